/*
 * atm90e26: registers of the Atmel (now Microchip) M90E26.
 * Source: datasheet Atmel-46002B, application note Atmel-46102B.
 */
#ifndef ATM90E26_H
#define ATM90E26_H

enum {
	ATM_SOFT_RESET = 0x00,  /* write 789A */
	ATM_SYS_STATUS = 0x01,  /* reading clears */
	ATM_FUNC_EN = 0x02,
	ATM_SAG_TH = 0x03,
	ATM_SMALL_P_MODE = 0x04,
	ATM_LAST_DATA = 0x06,   /* the word of the transfer before */
	ATM_LSB = 0x08,         /* 8 more bits of the RMS or power register read
	                           before, in 15:8; 7:0 are 0 */
	ATM_CAL_START = 0x20,
	ATM_CAL_FIRST = 0x21, ATM_CAL_LAST = 0x2B, ATM_CS1 = 0x2C,
	ATM_PLCONST_H = 0x21, ATM_PLCONST_L = 0x22, ATM_L_GAIN = 0x23,
	ATM_L_PHI = 0x24, ATM_N_GAIN = 0x25, ATM_N_PHI = 0x26,
	ATM_P_START = 0x27, ATM_P_NOL = 0x28, ATM_Q_START = 0x29,
	ATM_Q_NOL = 0x2A, ATM_M_MODE = 0x2B,
	ATM_ADJ_START = 0x30,
	ATM_ADJ_FIRST = 0x31, ATM_ADJ_LAST = 0x3A, ATM_CS2 = 0x3B,
	ATM_U_GAIN = 0x31, ATM_I_GAIN_L = 0x32, ATM_I_GAIN_N = 0x33,
	ATM_ENERGY_FORWARD = 0x40, /* active; read-clear, 0.1 pulse */
	ATM_ENERGY_REVERSE = 0x41,
	ATM_I_RMS = 0x48,       /* 1 mA */
	ATM_U_RMS = 0x49,       /* 10 mV */
	ATM_P_MEAN = 0x4A,      /* 1 W, two's complement */
	ATM_Q_MEAN = 0x4B,      /* 1 var, two's complement */
	ATM_FREQUENCY = 0x4C,   /* 0.01 Hz */
	ATM_POWER_FACTOR = 0x4D, /* 0.001, sign and magnitude */

	ATM_RESET_KEY = 0x789A,
	ATM_OPEN_KEY = 0x5678,  /* CalStart, AdjStart: registers may be written */
	ATM_CHECK_KEY = 0x8765, /* checksums are compared from now on */
	ATM_CAL_ERROR = 0xC000, ATM_ADJ_ERROR = 0x3000, ATM_SAG_WARN = 0x0002,
	ATM_READ = 0x80,        /* first bit of a transfer */

	ATM_CAL_WORDS = 11, ATM_ADJ_WORDS = 10
};

#endif
