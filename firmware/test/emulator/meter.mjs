// meter: the RP2040 image in an emulator, four ATM90E26 on its SPI, and its
// UART as a wire of 115200 baud.  The ICs are written from the data sheet a
// second time, in another language than the C model, so that one mistake does
// not hide another.
import { readFileSync } from "node:fs";
import { Simulator } from "rp2040js";

const SELECTS = [17, 20, 21, 22];
const RAM = 0x20000000;

// CRC-16/CCITT-FALSE, bit by bit.
export function crc(text) {
	let value = 0xffff;
	for (const byte of Buffer.from(text, "latin1")) {
		value ^= byte << 8;
		for (let i = 0; i < 8; i++)
			value = ((value << 1) ^ (value & 0x8000 ? 0x1021 : 0)) & 0xffff;
	}
	return value.toString(16).toUpperCase().padStart(4, "0");
}

export class Atm90e26 {
	constructor(meter, channel) {
		this.meter = meter;
		this.channel = channel;
		this.missing = false;
		this.stuckLow = false;
		this.refuseSum = false;
		this.watts = 5 + channel;
		this.joulesLeft = 0;
		this.energyAt = 0;
		this.resetAt = -1e9;
		this.selectedAt = 0;
		this.releasedAt = -1e9;
		this.bytes = [];
		this.lost = false;
		this.powerOn();
	}

	powerOn() {
		this.registers = new Array(128).fill(0);
		this.registers[0x20] = 0x6886;
		this.registers[0x30] = 0x6886;
		this.lastData = 0;
		this.low = 0;
		this.forward = 0;
	}

	brownOut() {
		this.powerOn();
		this.lost = true;
	}

	sum(from, to) {
		let total = 0, mixed = 0;
		for (let i = from; i <= to; i++) {
			const high = this.registers[i] >> 8, low = this.registers[i] & 255;
			total = (total + high + low) & 255;
			mixed ^= high ^ low;
		}
		return mixed << 8 | total;
	}

	cs1() {
		return this.sum(0x21, 0x2b) ^ (this.refuseSum ? 0x1111 : 0);
	}

	status() {
		const r = this.registers;
		let value = 0;
		if (this.lost || (r[0x20] === 0x8765 && r[0x2c] !== this.cs1()))
			value |= 0xc000;
		if (r[0x30] === 0x8765 && r[0x3b] !== this.sum(0x31, 0x3a))
			value |= 0x3000;
		return value;
	}

	measuring() {
		return this.registers[0x20] === 0x8765 && this.registers[0x30] === 0x8765;
	}

	// Registers read 100 times reality; 24 bits, of which LSB holds eight.
	long(value) {
		const raw = this.measuring() ? Math.round(value * 256) & 0xffffff : 0;
		this.low = (raw & 255) << 8;
		return raw >> 8;
	}

	energy() {
		const now = this.meter.nanos / 1e9;
		this.joulesLeft += this.watts * (now - this.energyAt);
		this.energyAt = now;
		const count = this.registers[0x22] / 13495 * 0.01;
		if (!this.measuring() || !count) {
			this.joulesLeft = 0;
			return;
		}
		const counts = Math.floor(this.joulesLeft / count);
		this.joulesLeft -= counts * count;
		this.forward = (this.forward + counts) & 0xffff;
	}

	read(address) {
		switch (address) {
		case 0x01: return this.status();
		case 0x06: return this.lastData;
		case 0x08: return this.low;
		case 0x2c: return this.cs1();
		case 0x3b: return this.sum(0x31, 0x3a);
		case 0x40: {
			this.energy();
			const value = this.forward;
			this.forward = 0;
			return value;
		}
		case 0x41: return 0;
		case 0x48: return this.long(this.watts / 115 * 1e3 * 100);
		case 0x49: return this.long(23000);
		case 0x4a: return this.long(this.watts * 100);
		case 0x4b: return this.long(-this.watts * 20);
		case 0x4c: return 5000;
		case 0x4d: return 500;
		default: return this.registers[address];
		}
	}

	write(address, value) {
		const r = this.registers;
		if (address === 0x00 && value === 0x789a) {
			this.powerOn();
			this.lost = false;
			this.resetAt = this.meter.nanos;
		} else if (address > 0x20 && address <= 0x2c && r[0x20] !== 0x5678) {
			this.meter.violate(`write to ${address} while locked`);
		} else if (address > 0x30 && address <= 0x3b && r[0x30] !== 0x5678) {
			this.meter.violate(`write to ${address} while locked`);
		} else {
			r[address] = value;
		}
	}

	select() {
		const now = this.meter.nanos;
		if (now - this.releasedAt < 3670)
			this.meter.violate("select high for less than 3.67 us");
		if (now - this.resetAt < 5e6)
			this.meter.violate("a transfer within 5 ms of a reset");
		this.selectedAt = now;
		this.bytes = [];
	}

	release() {
		const now = this.meter.nanos;
		if (this.bytes.length !== 3)
			this.meter.violate(`${this.bytes.length * 8} clocks, not 24`);
		else if (!(this.bytes[0] & 0x80))
			this.write(this.bytes[0] & 0x7f, this.lastData =
			    this.bytes[1] << 8 | this.bytes[2]);
		if (now - this.selectedAt > 6e6)
			this.meter.violate("a transfer of more than 6 ms");
		this.releasedAt = now;
	}

	// The byte that goes out while `byte` comes in.
	exchange(byte) {
		this.bytes.push(byte);
		if (this.bytes.length === 1 && byte & 0x80) {
			const address = byte & 0x7f;
			this.word = this.read(address);
			if (address !== 0x06)
				this.lastData = this.word;
		}
		if (this.missing)
			return 0xff;
		if (this.stuckLow)
			return 0;
		if (this.bytes.length === 1 || !(this.bytes[0] & 0x80))
			return 0xff;
		return this.bytes.length === 2 ? this.word >> 8 : this.word & 255;
	}
}

export class Meter {
	constructor(image, { reason = 0, baud = 115200 } = {}) {
		this.image = readFileSync(image);
		this.simulator = new Simulator();
		this.chip = this.simulator.rp2040;
		this.clock = this.simulator.clock;
		this.chip.logger = { debug() {}, info() {}, warn() {}, error(where, what) {
			throw new Error(`${where}: ${what}`);
		} };
		this.violations = [];
		this.lines = [];
		this.text = "";
		this.hangSpi = false;
		this.byteNanos = 10e9 / baud;
		this.wireFree = 0;
		this.reset = null;
		this.spiNanos = 0;
		this.busy = 0;
		this.ics = SELECTS.map((_, channel) => new Atm90e26(this, channel));
		this.wireSpi();
		this.wireUart();
		const watchdog = this.chip.peripherals[0x40058];
		watchdog.reason = reason;
		watchdog.onWatchdogTrigger = () => {
			this.reset = watchdog.reason;
			throw this; // it would fire for ever
		};
		this.boot();
	}

	get nanos() {
		return this.clock.nanos;
	}

	violate(what) {
		this.violations.push(`${(this.nanos / 1e6).toFixed(3)} ms: ${what}`);
	}

	// The boot ROM copies a RAM image and enters it at its first instruction.
	boot() {
		for (let at = 0; at < this.image.length; at += 512) {
			const address = this.image.readUInt32LE(at + 12);
			this.chip.sram.set(this.image.subarray(at + 32, at + 288),
			    address - RAM);
		}
		this.chip.core.PC = RAM;
	}

	wireSpi() {
		const spi = this.chip.spi[0];
		this.selected = null;
		SELECTS.forEach((pin, channel) => {
			this.chip.gpio[pin].addListener((state) => {
				if (state === 0) {
					if (this.selected)
						this.violate("two ICs selected");
					this.selected = this.ics[channel];
					this.selected.select();
				} else if (state === 1 && this.selected === this.ics[channel]) {
					this.selected.release();
					this.selected = null;
				}
			});
		});
		spi.onTransmit = (byte) => {
			// spi.spiMode says 2 for CPOL = CPHA = 1: read the bits.
			if ((spi.control0 & 0xc0) !== 0xc0)
				this.violate("not SPI mode 3");
			const hertz = spi.clockFrequency;
			if (hertz > 136e3)
				this.violate(`SPI clock of ${hertz} Hz`);
			if (this.hangSpi)
				return;
			const out = this.selected ? this.selected.exchange(byte) : 0xff;
			this.clock.createAlarm(() => spi.completeTransmit(out))
			    .schedule(8e9 / hertz);
		};
	}

	wireUart() {
		const uart = this.chip.uart[0];
		const fill = () => Math.max(0,
		    Math.ceil((this.wireFree - this.nanos) / this.byteNanos));
		Object.defineProperty(uart, "flags", { get: () =>
			(uart.rxFIFO.empty ? 0x10 : 0) | (uart.rxFIFO.full ? 0x40 : 0) |
			(fill() === 0 ? 0x80 : 0x08) | (fill() >= 32 ? 0x20 : 0) });
		uart.onByte = (byte) => {
			if (fill() >= 32)
				this.violate("UART FIFO overrun");
			if (this.text === "")
				this.began = Math.max(this.wireFree, this.nanos);
			this.wireFree = Math.max(this.wireFree, this.nanos) +
			    this.byteNanos;
			this.busy += this.byteNanos;
			if (byte !== 10) {
				this.text += String.fromCharCode(byte);
				return;
			}
			this.lines.push([this.text, this.began]);
			this.text = "";
		};
	}

	// Types a line, byte by byte at the wire's pace.
	type(text) {
		const uart = this.chip.uart[0];
		Buffer.from(text, "latin1").forEach((byte, i) => {
			this.clock.createAlarm(() => uart.feedByte(byte))
			    .schedule(i * 86806 + 1000);
		});
	}

	// One instruction, or the sleep up to what wakes it.
	step() {
		const { core } = this.chip;
		this.clock.tick(core.waiting ?
		    Math.max(8, this.clock.nanosToNextAlarm) :
		    core.executeInstruction() * 8);
	}

	// Runs that many seconds of the board's time; false: it was reset.
	run(seconds) {
		const until = this.nanos + seconds * 1e9;
		const { core } = this.chip;
		try {
			while (this.nanos < until) {
				if (core.waiting)
					this.clock.tick(Math.max(8, Math.min(
					    this.clock.nanosToNextAlarm, until - this.nanos)));
				else
					this.clock.tick(core.executeInstruction() * 8);
			}
		} catch (error) {
			if (error !== this)
				throw error;
			return false;
		}
		return true;
	}

	// The frames so far, CRC checked; what was taken is forgotten.  Each knows
	// when its first byte went out.
	frames() {
		const frames = this.lines.map(([line, began]) => {
			const match = /^(.*),"c":"([0-9A-F]{4})"}$/.exec(line);
			if (!match || crc(match[1]) !== match[2])
				throw new Error(`no whole frame: ${line}`);
			return Object.defineProperty(JSON.parse(line), "began",
			    { value: began });
		});
		this.lines = [];
		return frames;
	}

	samples() {
		return this.frames().filter((frame) => "s" in frame);
	}

	// Types a command and returns its acknowledgement.
	ask(command) {
		this.frames();
		this.type(`${command}\n`);
		for (let i = 0; i < 60; i++) {
			this.run(0.1);
			const ack = this.frames().find((f) => "ok" in f || "no" in f);
			if (ack)
				return ack;
		}
		return null;
	}
}
