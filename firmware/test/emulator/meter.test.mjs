// The image that `make firmware` built, run: node --test.  Times are the
// board's, not the machine's.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Meter } from "./meter.mjs";

const image = process.env.EPI_METER_IMAGE;

function start(options) {
	const meter = new Meter(image, options);
	meter.run(0.25);
	return meter;
}

function close(value, want, within) {
	assert.ok(Math.abs(value - want) <= within,
	    `${value} is not ${want} within ${within}`);
}

for (const hertz of [10, 20, 50])
	test(`60 s at ${hertz} Hz: no CRC error, no gap, dt within 1 %`, () => {
		const meter = start();
		meter.ics[0].watts = 27;
		assert.equal(meter.ask(`R r ${hertz}`).ok, "R");
		meter.frames();
		meter.busy = 0;
		meter.run(60);
		const samples = meter.samples();
		close(samples.length, 60 * hertz, 1);
		let worst = 0;
		for (let i = 1; i < samples.length; i++) {
			assert.equal(samples[i].s, samples[i - 1].s + 1);
			worst = Math.max(worst, Math.abs(
			    samples[i].t - samples[i - 1].t - 1e6 / hertz));
		}
		assert.ok(worst <= 1e4 / hertz, `dt is off by ${worst} us`);
		assert.ok(samples.every((s) => s.e.every((bits) => bits === 0)));
		assert.deepEqual(samples[9].p, [27000, 6000, 7000, 8000]);
		// 16 bits of 10 mJ are full after 24 s: energy goes on over that.
		close((samples.at(-1).j[0] - samples[0].j[0]) / 100,
		    27 * (samples.at(-1).t - samples[0].t) / 1e6, 0.02);
		assert.ok(meter.busy < 0.95 * 60e9,
		    `the UART is busy ${meter.busy / 60e7} %`);
		assert.deepEqual(meter.violations, []);
	});

test("a sample of four ICs takes under 10 ms", () => {
	const meter = start();
	let begin = 0, end = 0;
	for (let i = 0; i < 4; i++) {
		const { select, release } = meter.ics[i];
		meter.ics[i].select = function () {
			if (!begin)
				begin = meter.nanos;
			select.call(this);
		};
		meter.ics[i].release = function () {
			release.call(this);
			end = meter.nanos;
		};
	}
	meter.frames();
	for (let i = 0; i < 10; i++) {
		begin = 0;
		meter.run(0.1);
		assert.ok(end - begin < 10e6, `${(end - begin) / 1e6} ms`);
	}
	console.log(`# a sample of four ICs took ${(end - begin) / 1e6} ms`);
});

test("the first line says who speaks", () => {
	const [header] = new Meter(image).run(0.3) ? start().frames() : [];
	assert.equal(header.epi, 1);
	assert.equal(header.chip, "rp2040");
	assert.equal(header.ic, "atm90e26");
	assert.equal(header.sim, 0);
});

test("an absent IC is null, the others go on, and it comes back from 0", () => {
	const meter = start();
	meter.ics[2].missing = true;
	meter.run(0.5);
	const [sample] = meter.samples().slice(-1);
	assert.deepEqual([sample.p[2], sample.i[2], sample.j[2]], [null, null, null]);
	assert.deepEqual(sample.e, [0, 0, 1, 0]);
	assert.equal(sample.p[1], 6000);
	meter.ics[2].missing = false;
	meter.run(2);
	const back = meter.samples().slice(-1)[0];
	assert.equal(back.p[2], 7000);
	assert.ok(back.j[2] < back.j[1]);
});

test("a stuck MISO is missing, never 0 W", () => {
	const meter = start();
	meter.ics[0].stuckLow = true;
	meter.run(1);
	const samples = meter.samples();
	assert.ok(samples.every((s) => s.p[0] !== 0));
	assert.equal(samples.at(-1).e[0], 1);
});

test("a checksum that the IC refuses: no values, and A says so", () => {
	const meter = start();
	meter.ics[1].refuseSum = true;
	const ack = meter.ask("A a1");
	assert.deepEqual([ack.no, ack.k, ack.why], ["A", "a1", "verify"]);
	meter.run(0.5);
	const sample = meter.samples().slice(-1)[0];
	assert.equal(sample.p[1], null);
	assert.ok(sample.e[1] & 6);
});

test("a brown-out is CalErr without values, and mended", () => {
	const meter = start();
	meter.ics[3].brownOut();
	meter.run(0.5);
	const sample = meter.samples().slice(-1)[0];
	assert.equal(sample.p[3], null);
	assert.ok(sample.e[3] & 4);
	meter.run(2);
	assert.equal(meter.samples().slice(-1)[0].p[3], 8000);
	assert.deepEqual(meter.violations, []);
});

test("an UART that is too slow: whole lines, each drop counted", () => {
	const meter = start({ baud: 9600 });
	meter.run(20);
	const samples = meter.samples(); // every line is whole, or this throws
	const gaps = samples.at(-1).s - samples[0].s + 1 - samples.length;
	assert.ok(gaps > 50, `${gaps} gaps`);
	const before = samples.at(-1).s;
	meter.type("I i\n");
	meter.run(10);
	const frames = meter.frames();
	const at = frames.findIndex((f) => "epi" in f);
	assert.ok(at >= 0, "a header comes through in the end, or is counted");
	const seen = frames.slice(0, at).filter((f) => "s" in f).length;
	close(frames[at].drop, gaps + (frames[at].next - before - 1 - seen), 3);
});

test("P tells when it came and when the answer goes", () => {
	const meter = start();
	meter.run(0.03);
	const typed = meter.nanos / 1e3 + 4 * 86.8;
	const ack = meter.ask("P 7");
	assert.equal(ack.k, "7");
	close(ack.rx, typed, 400);
	assert.ok(ack.tx >= ack.rx && ack.tx < ack.rx + 50000);
});

// Behind lines of 20 ms as on a wire at rest; a byte is 87 us.
test("tx is when the answer's first byte goes, whatever is queued", () => {
	const meter = start();
	meter.ask("R r 20");
	for (let i = 0; i < 40; i++) {
		meter.run(0.0137);
		const ack = meter.ask(`P n${i}`);
		close(ack.tx, ack.began / 1e3, 150);
	}
});

test("a newline at any instruction of a turn is stamped when it came", () => {
	const meter = start();
	const { core } = meter.chip;
	for (let count = 0; count < 150; count++) {
		meter.type(`P n${count}`);
		meter.run(0.005);
		while (!core.waiting)
			meter.step();
		while (core.waiting)
			meter.step();
		for (let i = 0; i < count; i++)
			meter.step();
		const typed = meter.nanos / 1e3;
		meter.chip.uart[0].feedByte(10);
		meter.frames();
		meter.run(0.05);
		close(meter.frames().find((f) => "ok" in f).rx, typed, 100);
	}
});

test("every command is acknowledged with its token", () => {
	const meter = start();
	for (const command of ["I a", "R b 20", "S c 0", "S d 1", "P e",
		"C f 0 23 1234", "C g * 24 0000", "A h", "T i 0 5", "E j"]) {
		const ack = meter.ask(command);
		assert.equal(ack?.ok, command[0], command);
		assert.equal(ack.k, command[2], command);
	}
	assert.equal(meter.ics[0].registers[0x23], 0x1234);
});

// 780 bytes, most of them while the ICs start; the queue has 128.
test("bytes that find no room: no command is made of two, and it is told", () => {
	const meter = new Meter(image);
	const typed = Array.from({ length: 78 }, (_, i) => `token${i + 10}`);
	meter.ics[0].missing = true;
	meter.type(typed.map((token) => `P ${token}\n`).join(""));
	meter.run(0.5);
	const frames = meter.frames();
	assert.deepEqual(frames.filter((f) => "no" in f).map((f) => f.why),
	    ["command"]);
	const answers = frames.filter((f) => "ok" in f);
	assert.ok(answers.length > 5 && answers.length < 78);
	assert.ok(answers.every((f) => typed.includes(f.k)));
});

test("garbage and hostile commands: refused, and sampling goes on", () => {
	const meter = start();
	for (const line of ["", " ", "Z", "R", "R x 1000", "R x -1", "C x 9 23 1",
		"C x 0 00 789A", "T x 7", `I ${"y".repeat(60)}`, "I \"}",
		"\x00\x01\xff\x80", "I x\x7f", "A", "E ../../etc/passwd"]) {
		meter.type(`${line}\n`);
		meter.run(0.3);
	}
	const frames = meter.frames();
	assert.ok(frames.filter((f) => "ok" in f).length === 0);
	assert.ok(frames.filter((f) => "no" in f).length >= 12);
	let random = 1;
	for (let i = 0; i < 200; i++) {
		let text = "";
		for (let k = 0; k < 10; k++) {
			random = Math.imul(random, 1664525) + 1013904223 >>> 0;
			text += String.fromCharCode(random >>> 24 || 1);
		}
		meter.type(text.replace(/[XS]/g, "\n"));
		meter.run(0.01);
	}
	meter.type("\n");
	meter.run(0.5);
	meter.frames();
	assert.equal(meter.ask("P ok").k, "ok");
	assert.deepEqual(meter.violations, []);
});

test("X resets; the header of the next boot says command", () => {
	const meter = start();
	meter.type("X x\n");
	assert.equal(meter.run(1), false);
	assert.ok(meter.frames().some((f) => f.ok === "X" && f.k === "x"));
	const next = start({ reason: meter.reset });
	assert.equal(next.frames()[0].rst, "command");
});

test("a hang ends in the watchdog after a second; the header says so", () => {
	const meter = start();
	meter.hangSpi = true;
	const from = meter.nanos;
	assert.equal(meter.run(3), false);
	assert.ok(meter.nanos - from < 1.2e9);
	assert.equal(start({ reason: meter.reset }).frames()[0].rst, "watchdog");
});
