#ifndef UNIEM_KERNELS_PRODUCT_H
#define UNIEM_KERNELS_PRODUCT_H

#include "common.h"

/// A product of small matrices: c [m, n] = a [m, inner] b [inner, n], added to what c holds where `adds`. Element
/// (i, l) of a is a[i * row + l * column]. Where there are factors [m], they multiply the rows of a b.
typedef struct {
    float *c;
    int64_t ldc;
    const float *a;
    int64_t row, column;
    const float *b;
    int64_t ldb;
    int64_t m, inner, n;
    bool adds;
    const float *factors;
} product;

void k_product(const product *given);

#endif
