#include "common.h"

KERNEL void k_multiply(float *y, const float *a, const float *b, int64_t n) {
    for (int64_t i = 0; i < n; i++) y[i] = a[i] * b[i];
}

KERNEL void k_silu_forward(float *y, const float *x, int64_t n) {
    for (int64_t i = 0; i < n; i++) y[i] = x[i] / (1.0f + exp_approx(-x[i]));
}

KERNEL void k_silu_backward(float *dx, const float *dy, const float *x, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        float s = 1.0f / (1.0f + exp_approx(-x[i]));
        dx[i] = dy[i] * s * (1.0f + x[i] * (1.0f - s));
    }
}

KERNEL void k_columns(float *y, const float *x, int64_t n, int64_t h, int64_t first, int64_t count) {
    for (int64_t i = 0; i < n; i++) memcpy(y + i * count, x + i * h + first, (size_t)count * sizeof(float));
}

KERNEL void k_add_columns(float *dx, const float *dy, int64_t n, int64_t h, int64_t first, int64_t count) {
    for (int64_t i = 0; i < n; i++) {
        float *out = dx + i * h + first;
        const float *g = dy + i * count;
        for (int64_t j = 0; j < count; j++) out[j] += g[j];
    }
}
