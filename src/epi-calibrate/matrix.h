/*
 * matrix: the little linear algebra of a fit, dense and small.
 */
#ifndef EPI_CALIBRATE_MATRIX_H
#define EPI_CALIBRATE_MATRIX_H

#include <stdbool.h>
#include <stddef.h>

enum { MATRIX_MAX = 32 };

/*
 * The lower triangular factor of a symmetric matrix without negative
 * eigenvalues, n rows `stride` apart.  A row that depends on those before it
 * becomes 0.  Returns the rank.
 */
size_t matrix_factor(const double *a, size_t n, size_t stride,
    double l[MATRIX_MAX][MATRIX_MAX]);

/* Solves L y = b in place; a row that is 0 gives 0. */
void matrix_forward(double l[MATRIX_MAX][MATRIX_MAX], size_t n, double *b);

/* Solves L' x = y in place, likewise. */
void matrix_backward(double l[MATRIX_MAX][MATRIX_MAX], size_t n, double *y);

#endif
