#include "epi-calibrate/matrix.h"

#include <math.h>

/* What is left of a diagonal element by rounding alone. */
#define NOTHING 1e-13

size_t
matrix_factor(const double *a, size_t n, size_t stride,
    double l[MATRIX_MAX][MATRIX_MAX])
{
	size_t rank = 0;

	for (size_t i = 0; i < n; i++) {
		double left = a[i * stride + i];

		for (size_t j = 0; j < i; j++) {
			double sum = a[i * stride + j];

			for (size_t k = 0; k < j; k++)
				sum -= l[i][k] * l[j][k];
			l[i][j] = l[j][j] > 0 ? sum / l[j][j] : 0;
			left -= l[i][j] * l[i][j];
		}
		l[i][i] = left > NOTHING * a[i * stride + i] ? sqrt(left) : 0;
		rank += l[i][i] > 0;
	}
	return rank;
}

void
matrix_forward(double l[MATRIX_MAX][MATRIX_MAX], size_t n, double *b)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < i; j++)
			b[i] -= l[i][j] * b[j];
		b[i] = l[i][i] > 0 ? b[i] / l[i][i] : 0;
	}
}

void
matrix_backward(double l[MATRIX_MAX][MATRIX_MAX], size_t n, double *y)
{
	for (size_t i = n; i-- > 0;) {
		for (size_t j = i + 1; j < n; j++)
			y[i] -= l[j][i] * y[j];
		y[i] = l[i][i] > 0 ? y[i] / l[i][i] : 0;
	}
}
