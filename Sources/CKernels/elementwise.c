#include "common.h"

KERNEL void k_add_into(float *y, const float *x, int64_t n) {
    for (int64_t i = 0; i < n; i++) y[i] += x[i];
}

KERNEL void k_add(float *y, const float *a, const float *b, int64_t n) {
    for (int64_t i = 0; i < n; i++) y[i] = a[i] + b[i];
}

KERNEL void k_scale_in_place(float *y, float factor, int64_t n) {
    for (int64_t i = 0; i < n; i++) y[i] *= factor;
}

KERNEL void k_scale(float *y, const float *x, float factor, int64_t n) {
    for (int64_t i = 0; i < n; i++) y[i] = x[i] * factor;
}

KERNEL void k_fill_rows(float *y, const float *bias, int64_t n, int64_t h) {
    for (int64_t i = 0; i < n; i++) memcpy(y + i * h, bias, (size_t)h * sizeof(float));
}

KERNEL void k_column_sums(float *db, const float *dy, int64_t n, int64_t h) {
    for (int64_t i = 0; i < n; i++) {
        const float *row = dy + i * h;
        for (int64_t j = 0; j < h; j++) db[j] += row[j];
    }
}

KERNEL void k_scale_by_each(float *y, int64_t n, const float *factors, int64_t count) {
    enum { PIECE = 128 }; // stays in registers
    for (; n >= PIECE; n -= PIECE, y += PIECE) {
        float piece[PIECE];
        memcpy(piece, y, sizeof piece);
        for (int64_t k = 0; k < count; k++) {
            for (int i = 0; i < PIECE; i++) piece[i] *= factors[k];
        }
        memcpy(y, piece, sizeof piece);
    }
    for (int64_t k = 0; k < count; k++) {
        for (int64_t i = 0; i < n; i++) y[i] *= factors[k];
    }
}

KERNEL double k_sum_of_squares(const float *x, int64_t n) {
#pragma clang fp reassociate(on)
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
    return sum;
}

KERNEL bool k_all_finite(const float *x, int64_t n) {
    uint32_t bad = 0;
    for (int64_t i = 0; i < n; i++) {
        union {
            float f;
            uint32_t u;
        } bits = {x[i]};
        bad |= (bits.u & 0x7F800000U) == 0x7F800000U;
    }
    return bad == 0;
}
