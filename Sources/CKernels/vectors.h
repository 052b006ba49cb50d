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

/// Four elements of each of four rows, one after the other; zeros for rows from `left` on.
INLINE v16 four_rows(const float *x, int64_t ldx, int64_t left) {
    typedef float v4 __attribute__((vector_size(16), aligned(4)));
    const v4 zero = {0};
    v4 a = left > 0 ? *(const v4 *)x : zero, b = left > 1 ? *(const v4 *)(x + ldx) : zero;
    v4 c = left > 2 ? *(const v4 *)(x + 2 * ldx) : zero, d = left > 3 ? *(const v4 *)(x + 3 * ldx) : zero;
    return __builtin_shufflevector(__builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7),
                                   __builtin_shufflevector(c, d, 0, 1, 2, 3, 4, 5, 6, 7), 0, 1, 2, 3, 4, 5, 6, 7, 8,
                                   9, 10, 11, 12, 13, 14, 15);
}

/// y [columns, wide] = factor times the transpose of x [rows, columns], zeros in columns rows ..< wide.
INLINE void transpose(float *y, int64_t wide, const float *x, int64_t ldx, int64_t rows, int64_t columns,
                      float factor) {
    for (int64_t i = 0; i < wide; i += 16) {
        int64_t d = 0;
        for (; d + 4 <= columns; d += 4) {
            // Four columns of the rows i + n, i + n + 4, i + n + 8 and i + n + 12.
            v16 parts[4];
            for (int64_t n = 0; n < 4; n++) {
                parts[n] = four_rows(x + (i + n) * ldx + d, 4 * ldx, (rows - i - n + 3) / 4);
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
            for (int64_t n = i; n < i + 16; n++) y[d * wide + n] = n < rows ? x[n * ldx + d] * factor : 0;
        }
    }
}

#endif
