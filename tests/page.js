// What a page has to be for whoever reads it: page_faults(document, width) gives a
// line for each thing that is wrong.  It is for the browser of a test.

// Brightness of a colour as WCAG 2 has it, and the contrast of two.
function luminance([r, g, b]) {
	const linear = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
	return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
}

function contrast(a, b) {
	const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
	return (high + 0.05) / (low + 0.05);
}

const rgb = text => (text.match(/[\d.]+/g) || []).map(Number);

// The paper below an element: the nearest background that hides what is behind it.
function paper(element, view) {
	for (let at = element; at; at = at.parentElement) {
		const colour = rgb(view.getComputedStyle(at).backgroundColor);
		if (colour.length === 3 || colour[3] === 1)
			return colour;
	}
	return [255, 255, 255];
}

function shown(element) {
	const box = element.getBoundingClientRect();
	return box.width > 0 && box.height > 0;
}

const said = element => element.textContent.trim().replace(/\s+/g, ' ').slice(0, 40);

// Texts that are too faint or too small to be read.
function* unreadable(page, view) {
	for (const element of page.body.querySelectorAll('*')) {
		const own = [...element.childNodes].some(n => n.nodeType === 3 && n.data.trim());
		if (!own || !shown(element) || element.closest('script, style, title, desc'))
			continue;
		const style = view.getComputedStyle(element);
		const drawn = element.namespaceURI.endsWith('svg');
		const ink = rgb(drawn ? style.fill : style.color);
		const scale = drawn ? Math.hypot(element.getScreenCTM().a, element.getScreenCTM().b) : 1;
		if (contrast(ink, paper(element, view)) < 4.5)
			yield `faint: ${said(element)}`;
		if (parseFloat(style.fontSize) * scale < 10)
			yield `small: ${said(element)}`;
	}
}

// Texts of a picture that are cut, or lie on one another.
function* hidden(page) {
	for (const picture of [...page.querySelectorAll('svg')].filter(shown)) {
		const whole = picture.getBoundingClientRect();
		const texts = [...picture.querySelectorAll('text')].filter(shown)
			.map(text => [said(text), text.getBoundingClientRect()]);
		for (const [i, [name, box]] of texts.entries()) {
			if (box.left < whole.left - 1 || box.right > whole.right + 1 || box.top < whole.top - 1 || box.bottom > whole.bottom + 1)
				yield `cut: ${name}`;
			for (const [other, its] of texts.slice(i + 1)) {
				const wide = Math.min(box.right, its.right) - Math.max(box.left, its.left);
				const high = Math.min(box.bottom, its.bottom) - Math.max(box.top, its.top);
				if (wide > 1 && high > 4)
					yield `on one another: ${name}, ${other}`;
			}
		}
	}
}

// What leads nowhere, or has no name for those who do not see it.
function* nameless(page) {
	for (const link of page.querySelectorAll('a'))
		if (!said(link) || !page.getElementById(link.getAttribute('href').slice(1)))
			yield `link: ${said(link)}`;
	for (const picture of page.querySelectorAll('svg'))
		if (!picture.getAttribute('aria-labelledby').split(' ').every(id => page.getElementById(id)?.textContent.trim()))
			yield `picture: ${picture.outerHTML.slice(0, 80)}`;
	for (const head of page.querySelectorAll('th'))
		if (!['col', 'row', 'rowgroup'].includes(head.scope) || !said(head))
			yield `head of a table: ${said(head)}`;
	for (const part of page.querySelectorAll('[tabindex]'))
		if (!part.getAttribute('aria-label') && !said(part))
			yield `can be reached, and has no name: ${part.outerHTML.slice(0, 80)}`;
}

// What is wider than the page and cannot be moved to.
function* beyond(page, width) {
	if (page.documentElement.scrollWidth > width)
		yield `wider than ${width}: ${page.documentElement.scrollWidth}`;
	for (const part of page.querySelectorAll('.scroll'))
		if (part.scrollWidth > part.clientWidth && part.tabIndex !== 0)
			yield `cannot be scrolled by keys: ${said(part)}`;
}

function* outline(page) {
	let last = 0;
	for (const head of page.querySelectorAll('h1, h2, h3, h4, h5, h6')) {
		const level = Number(head.tagName[1]);
		if (level > last + 1)
			yield `after h${last}: ${said(head)}`;
		last = level;
	}
	for (const one of ['h1', 'main', 'title'])
		if (page.querySelectorAll(`head > ${one}, body > ${one}, header > ${one}`).length !== 1)
			yield `not one ${one}`;
	if (!page.documentElement.lang)
		yield 'no language';
}

// Sorts the table by each of its columns, up and down.
function* unsorted(page) {
	const columns = [...page.querySelectorAll('.epi-table thead button')];
	if (columns.length < 5)
		yield `${columns.length} columns can be sorted`;
	for (const [i, button] of columns.entries())
		for (const way of ['ascending', 'descending']) {
			button.click();
			const head = button.closest('th');
			const values = [...head.closest('table').querySelectorAll('tbody tr:not(.group)')]
				.map(row => row.cells[i].dataset.value ?? row.cells[i].textContent).map(v => isNaN(v) ? v : Number(v));
			const rises = values.every((v, k) => k === 0 || (way === 'ascending' ? values[k - 1] <= v : values[k - 1] >= v));
			if (head.getAttribute('aria-sort') !== way || !rises)
				yield `column ${button.textContent} not ${way}: ${values}`;
		}
}

function page_faults(page, width) {
	const view = page.defaultView;
	return [unreadable(page, view), hidden(page), nameless(page), beyond(page, width), outline(page), unsorted(page)]
		.flatMap(faults => [...faults]);
}
