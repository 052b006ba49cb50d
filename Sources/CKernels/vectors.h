// Vectors of 16 floats, for kernels that loops of single numbers do not serve well.
#ifndef UNIEM_KERNELS_VECTORS_H
#define UNIEM_KERNELS_VECTORS_H

#include "common.h"

// A vector is one register of AVX-512, or two or four of smaller ones. In memory it may begin at any float.
typedef float v16 __attribute__((vector_size(64), aligned(4)));
typedef int32_t i16 __attribute__((vector_size(64), aligned(4)));
typedef uint32_t u16 __attribute__((vector_size(64), aligned(4)));

// Clang splits vectors of 64 bytes, even for AVX-512, in functions that do not ask for them.
#if defined(__clang__) && defined(__x86_64__)
#define WIDE __attribute__((min_vector_width(512)))
#else
#define WIDE
#endif

// How vectors are passed depends on the processor. The functions here are all inlined, so nothing is passed.
#pragma clang diagnostic ignored "-Wpsabi"

INLINE v16 load(const float *x) {
    return *(const v16 *)x;
}

INLINE void store(float *y, v16 x) {
    *(v16 *)y = x;
}

INLINE v16 all_lanes(float x) {
    return (v16){0} + x;
}

/// Lane by lane: a where the mask is all ones, b where it is zero.
INLINE v16 choose(i16 mask, v16 a, v16 b) {
    return (v16)((mask & (i16)a) | (~mask & (i16)b));
}

/// exp_approx for x <= 0; below -87 it is 0.
INLINE v16 exp_of_negative(v16 x) {
    const v16 least = all_lanes(-87.0f), shift = all_lanes(12582912.0f);
    v16 cut = choose(x < least, least, x);
    v16 shifted = cut * 1.44269504f + shift; // n stands in its lowest bits
    v16 n = shifted - shift;
    v16 r = cut - n * 0.693145751953125f;
    r = r - n * 1.42860677e-6f;
    v16 q = 0.00137514f * r + 0.00836892f;
    q = q * r + 0.04166953f;
    q = q * r + 0.16666518f;
    q = q * r + 0.49999989f;
    v16 e = q * r * r + r + 1.0f;
    v16 power = (v16)(((i16)shifted << 23) + (127 << 23));
    return choose(x < least, all_lanes(0), e * power);
}

/// y [rows, columns] = x
INLINE void copy_rows(float *y, int64_t ldy, const float *x, int64_t ldx, int64_t rows, int64_t columns) {
    for (int64_t i = 0; i < rows; i++, x += ldx, y += ldy) {
        int64_t d = 0;
        for (; d + 16 <= columns; d += 16) store(y + d, load(x + d));
        for (; d < columns; d++) y[d] = x[d];
    }
}

// Of each quarter of a and b, the elements n and n + 1 interleaved, or side by side.
#define INTERLEAVED(a, b, n)                                                                                         \
    __builtin_shufflevector(a, b, n, n + 16, n + 1, n + 17, n + 4, n + 20, n + 5, n + 21, n + 8, n + 24, n + 9,      \
                            n + 25, n + 12, n + 28, n + 13, n + 29)
#define SIDE_BY_SIDE(a, b, n)                                                                                        \
    __builtin_shufflevector(a, b, n, n + 1, n + 16, n + 17, n + 4, n + 5, n + 20, n + 21, n + 8, n + 9, n + 24,      \
                            n + 25, n + 12, n + 13, n + 28, n + 29)

/// Four elements of each of four rows, one after the other.
INLINE v16 four_rows(const float *a, const float *b, const float *c, const float *d) {
    typedef float v4 __attribute__((vector_size(16), aligned(4)));
    typedef float v8 __attribute__((vector_size(32), aligned(4)));
    v8 ab = __builtin_shufflevector(*(const v4 *)a, *(const v4 *)b, 0, 1, 2, 3, 4, 5, 6, 7);
    v8 cd = __builtin_shufflevector(*(const v4 *)c, *(const v4 *)d, 0, 1, 2, 3, 4, 5, 6, 7);
    return __builtin_shufflevector(ab, cd, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

/// y [columns, wide] = factor times the transpose of x [rows, columns]; the last row fills the columns from `rows` on.
INLINE void transpose(float *y, int64_t wide, const float *x, int64_t ldx, int64_t rows, int64_t columns,
                      float factor) {
    for (int64_t i = 0; i < wide; i += 16) {
        const float *row[16];
        for (int64_t n = 0; n < 16; n++) row[n] = x + (i + n < rows ? i + n : rows - 1) * ldx;
        int64_t d = 0;
        for (; d + 4 <= columns; d += 4) {
            v16 parts[4];
            for (int n = 0; n < 4; n++) {
                parts[n] = four_rows(row[n] + d, row[n + 4] + d, row[n + 8] + d, row[n + 12] + d);
            }
            v16 low0 = INTERLEAVED(parts[0], parts[1], 0), high0 = INTERLEAVED(parts[0], parts[1], 2);
            v16 low1 = INTERLEAVED(parts[2], parts[3], 0), high1 = INTERLEAVED(parts[2], parts[3], 2);
            float *out = y + d * wide + i;
            store(out, SIDE_BY_SIDE(low0, low1, 0) * factor);
            store(out + wide, SIDE_BY_SIDE(low0, low1, 2) * factor);
            store(out + 2 * wide, SIDE_BY_SIDE(high0, high1, 0) * factor);
            store(out + 3 * wide, SIDE_BY_SIDE(high0, high1, 2) * factor);
        }
        for (; d < columns; d++) {
            for (int n = 0; n < 16; n++) y[d * wide + i + n] = row[n][d] * factor;
        }
    }
}

#endif
