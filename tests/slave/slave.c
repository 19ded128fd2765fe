/*
 * slave LINK SCRIPT LOG: PZEM-004T v3 on a pseudo-terminal that LINK leads to,
 * as its script says, for as long as it is not killed.  By hand: what epi-tap
 * has from libmodbus should not be what it is tested with.  Every question goes
 * to LOG, in hexadecimal.
 *
 * A line of SCRIPT is what the next question to ADDRESS gets; the last line of
 * an address holds:
 *     ADDRESS says DECIWATTS WATT_HOURS
 *     ADDRESS bytes HEX          these, whatever they are
 *     ADDRESS before HEX         these, and then what it says
 *     ADDRESS crc|half|short     what it says, damaged
 *     ADDRESS as OTHER           from that address
 *     ADDRESS exception NUMBER
 *     ADDRESS late MS            what it says, so much later
 *     ADDRESS silent
 *     ADDRESS hangup             the end
 *     general ADDRESS            one alone, that has it: 0xF8 is for it
 *     general ADDRESS two|deaf|other  two are there; it keeps its address; the
 *                                echo is another one's
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { LINES = 256, WORD = 600, QUESTION = 8 };

static struct line {
	int address;
	char what[16], argument[WORD];
	unsigned long second;
	int used;
} lines[LINES];
static size_t count;

static int general; /* the address; 0: nobody answers to 0xF8 */
static char kind[16];
static unsigned long deciwatts = 56, watt_hours = 7;
static int master;

static unsigned
checksum(const unsigned char *bytes, size_t length)
{
	unsigned crc = 0xFFFF;

	for (size_t i = 0; i < length; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xA001 : crc >> 1;
	}
	return crc;
}

static void
read_script(const char *name)
{
	FILE *file = fopen(name, "r");
	char text[WORD + 64];

	if (!file)
		abort();
	while (fgets(text, sizeof text, file) && count < LINES) {
		struct line *line = &lines[count];

		if (sscanf(text, "general %d %15s", &general, kind) >= 1)
			continue;
		if (sscanf(text, "%d %15s %599s %lu", &line->address,
		    line->what, line->argument, &line->second) >= 2)
			count++;
	}
	fclose(file);
}

/* The next line of an address; its last one again; NULL: it has none. */
static struct line *
line_of(int address)
{
	struct line *last = NULL;

	for (size_t i = 0; i < count; i++) {
		if (lines[i].address != address)
			continue;
		last = &lines[i];
		if (!last->used)
			break;
	}
	if (last)
		last->used = 1;
	return last;
}

static void
put(const unsigned char *bytes, size_t length)
{
	if (write(master, bytes, length) != (ssize_t)length)
		abort();
}

static void
put_hex(const char *hex)
{
	unsigned char bytes[WORD];
	size_t length = 0;
	unsigned value;

	for (; sscanf(hex, "%2x", &value) == 1; hex += 2)
		bytes[length++] = (unsigned char)value;
	put(bytes, length);
}

static void
seal(unsigned char *bytes, size_t length)
{
	unsigned crc = checksum(bytes, length);

	bytes[length] = (unsigned char)crc;
	bytes[length + 1] = (unsigned char)(crc >> 8);
}

/* 230.1 V, 0.105 A, 50.0 Hz, a power factor of 0.55, no alarm. */
static size_t
compose(int address, int registers, unsigned char answer[32])
{
	const unsigned values[] = { 2301, 105, 0, deciwatts & 0xFFFF,
		(unsigned)(deciwatts >> 16), watt_hours & 0xFFFF,
		(unsigned)(watt_hours >> 16), 500, 55, 0 };
	size_t length = 3;

	answer[0] = (unsigned char)address;
	answer[1] = 4;
	answer[2] = (unsigned char)(2 * registers);
	for (int i = 0; i < registers; i++) {
		answer[length++] = (unsigned char)(values[i] >> 8);
		answer[length++] = (unsigned char)values[i];
	}
	seal(answer, length);
	return length + 2;
}

static void
say(const struct line *line)
{
	int number = atoi(line->argument);
	unsigned char answer[32];
	size_t length = compose(strcmp(line->what, "as") == 0 ? number
	    : line->address, strcmp(line->what, "short") == 0 ? 9 : 10, answer);

	if (strcmp(line->what, "exception") == 0) {
		answer[1] = 0x84;
		answer[2] = (unsigned char)number;
		seal(answer, 3);
		length = 5;
	} else if (strcmp(line->what, "crc") == 0) {
		answer[length - 1] ^= 1;
	} else if (strcmp(line->what, "half") == 0) {
		length = 12;
	} else if (strcmp(line->what, "before") == 0) {
		put_hex(line->argument);
	} else if (strcmp(line->what, "late") == 0) {
		usleep((useconds_t)number * 1000);
	}
	put(answer, length);
}

static void
answer_as(struct line *line)
{
	if (!line || strcmp(line->what, "silent") == 0)
		return;
	if (strcmp(line->what, "hangup") == 0)
		exit(0);
	if (strcmp(line->what, "says") == 0) {
		deciwatts = strtoul(line->argument, NULL, 10);
		watt_hours = line->second;
	}
	if (strcmp(line->what, "bytes") == 0)
		put_hex(line->argument);
	else
		say(line);
}

/* Its address is read or set. */
static void
answer_general(const unsigned char question[QUESTION])
{
	unsigned char answer[QUESTION];

	if (question[1] == 6) {
		memcpy(answer, question, QUESTION);
		if (strcmp(kind, "deaf") != 0)
			general = question[5];
		if (strcmp(kind, "other") == 0)
			answer[5] ^= 3;
		put(answer, QUESTION);
		return;
	}
	memcpy(answer, (unsigned char[]){ question[0], 3, 2, 0 }, 4);
	answer[4] = (unsigned char)general;
	seal(answer, 5);
	if (strcmp(kind, "two") == 0)
		answer[4] ^= 6;
	put(answer, 7);
}

static void
answer(const unsigned char question[QUESTION], FILE *log)
{
	for (int i = 0; i < QUESTION; i++)
		fprintf(log, "%02X", question[i]);
	fprintf(log, "\n");
	fflush(log);
	if (checksum(question, QUESTION) != 0)
		return; /* as a slave does */
	if (general && (question[0] == 0xF8 || question[0] == general) &&
	    question[1] != 4)
		answer_general(question);
	else if (question[1] == 4 && question[5] == 10)
		answer_as(line_of(question[0]));
}

/* The other end stays open here, so that the line outlives who opens it. */
static int
open_line(const char *link)
{
	struct termios raw;
	int line;

	master = posix_openpt(O_RDWR | O_NOCTTY);
	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
		abort();
	line = open(ptsname(master), O_RDWR | O_NOCTTY);
	if (line < 0 || tcgetattr(line, &raw) < 0)
		abort();
	cfmakeraw(&raw);
	if (tcsetattr(line, TCSANOW, &raw) < 0)
		abort();
	unlink(link);
	return symlink(ptsname(master), link);
}

int
main(int argc, char **argv)
{
	unsigned char question[QUESTION];
	size_t filled = 0;
	FILE *log;

	if (argc != 4 || !(log = fopen(argv[3], "a")))
		abort();
	read_script(argv[2]);
	if (open_line(argv[1]) < 0)
		abort();
	for (;;) {
		ssize_t n = read(master, question + filled, QUESTION - filled);

		if (n <= 0)
			return 1;
		filled += (size_t)n;
		if (filled < QUESTION)
			continue;
		answer(question, log);
		filled = 0;
	}
}
