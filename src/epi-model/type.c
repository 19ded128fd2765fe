/* type: how tensors are kept, and what files call themselves. */
#include "epi-model/model.h"

/*
 * ggml, include/ggml.h, enum ggml_type; the blocks by src/ggml-common.h, the
 * structures block_*.  32 weights of Q4_0 are a half float and 16 bytes.
 */
const struct type types[TYPES] = {
	[0] = { "F32", 1, 4 }, [1] = { "F16", 1, 2 },
	[2] = { "Q4_0", 32, 18 }, [3] = { "Q4_1", 32, 20 },
	[6] = { "Q5_0", 32, 22 }, [7] = { "Q5_1", 32, 24 },
	[8] = { "Q8_0", 32, 34 }, [9] = { "Q8_1", 32, 36 },
	[10] = { "Q2_K", 256, 84 }, [11] = { "Q3_K", 256, 110 },
	[12] = { "Q4_K", 256, 144 }, [13] = { "Q5_K", 256, 176 },
	[14] = { "Q6_K", 256, 210 }, [15] = { "Q8_K", 256, 292 },
	[16] = { "IQ2_XXS", 256, 66 }, [17] = { "IQ2_XS", 256, 74 },
	[18] = { "IQ3_XXS", 256, 98 }, [19] = { "IQ1_S", 256, 50 },
	[20] = { "IQ4_NL", 32, 18 }, [21] = { "IQ3_S", 256, 110 },
	[22] = { "IQ2_S", 256, 82 }, [23] = { "IQ4_XS", 256, 136 },
	[24] = { "I8", 1, 1 }, [25] = { "I16", 1, 2 }, [26] = { "I32", 1, 4 },
	[27] = { "I64", 1, 8 }, [28] = { "F64", 1, 8 },
	[29] = { "IQ1_M", 256, 56 }, [30] = { "BF16", 1, 2 },
	[34] = { "TQ1_0", 256, 54 }, [35] = { "TQ2_0", 256, 66 },
	[39] = { "MXFP4", 32, 17 }, [40] = { "NVFP4", 64, 36 },
	[41] = { "Q1_0", 128, 18 }, [42] = { "Q2_0", 64, 18 },
	/* distributed-llama, src/nn/nn-quants.hpp, NnFloatType */
	[TYPE_DLLAMA + 0] = { "f32", 1, 4 }, [TYPE_DLLAMA + 1] = { "f16", 1, 2 },
	[TYPE_DLLAMA + 2] = { "q40", 32, 18 }, [TYPE_DLLAMA + 3] = { "q80", 32, 34 },
	[TYPE_OTHER] = { NULL, 1, 0 }
};

/*
 * general.file_type: ggml, docs/gguf.md, and llama.cpp, include/llama.h, enum
 * llama_ftype; the types by llama_ftype_get_default_type of its
 * src/llama-quant.cpp.  From 40 on forks differ, so these are not named.
 */
const struct file_type *
file_type_find(int64_t value)
{
	static const struct file_type known[] = {
		[0] = { "F32", 0 }, [1] = { "F16", 1 },
		[2] = { "Q4_0", 2 }, [3] = { "Q4_1", 3 },
		[7] = { "Q8_0", 8 }, [8] = { "Q5_0", 6 }, [9] = { "Q5_1", 7 },
		[10] = { "Q2_K", 10 }, [11] = { "Q3_K_S", 11 },
		[12] = { "Q3_K_M", 11 }, [13] = { "Q3_K_L", 11 },
		[14] = { "Q4_K_S", 12 }, [15] = { "Q4_K_M", 12 },
		[16] = { "Q5_K_S", 13 }, [17] = { "Q5_K_M", 13 },
		[18] = { "Q6_K", 14 }, [19] = { "IQ2_XXS", 16 },
		[20] = { "IQ2_XS", 17 }, [21] = { "Q2_K_S", 10 },
		[22] = { "IQ3_XS", 21 }, [23] = { "IQ3_XXS", 18 },
		[24] = { "IQ1_S", 19 }, [25] = { "IQ4_NL", 20 },
		[26] = { "IQ3_S", 21 }, [27] = { "IQ3_M", 21 },
		[28] = { "IQ2_S", 17 }, [29] = { "IQ2_M", 22 },
		[30] = { "IQ4_XS", 23 }, [31] = { "IQ1_M", 29 },
		[32] = { "BF16", 30 }, [36] = { "TQ1_0", 34 },
		[37] = { "TQ2_0", 35 }, [38] = { "MXFP4_MOE", 39 },
		[39] = { "NVFP4", 40 }
	};

	if (value < 0 || value >= (int64_t)(sizeof known / sizeof *known) ||
	    !known[value].name)
		return NULL;
	return &known[value];
}
