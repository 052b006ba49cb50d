#ifndef UNIEM_KERNELS_PRODUCT_H
#define UNIEM_KERNELS_PRODUCT_H

#include "common.h"

/// A product of small matrices: c [m, n] = a [m, inner] b [inner, n], added to what c holds where `adds`. Element
/// (i, l) of a is a[i * row + l * column]. Where there are factors [m], they multiply the rows of a b.
void k_product(float *c, int64_t ldc, const float *a, int64_t row, int64_t column, const float *b, int64_t ldb,
               int64_t m, int64_t inner, int64_t n, const float *factors, bool adds);

#endif
