#include "common.h"

KERNEL void k_rms_norm_forward(float *y, float *rstd, const float *x, const float *weight, int64_t n, int64_t h,
                               float epsilon) {
    for (int64_t i = 0; i < n; i++) {
#pragma clang fp reassociate(on)
        const float *xi = x + i * h;
        float *yi = y + i * h;
        float squares = 0;
        for (int64_t j = 0; j < h; j++) squares += xi[j] * xi[j];
        float scale = 1.0f / __builtin_elementwise_sqrt(squares / (float)h + epsilon);
        if (rstd) rstd[i] = scale;
        for (int64_t j = 0; j < h; j++) yi[j] = xi[j] * scale * weight[j];
    }
}

KERNEL void k_rms_norm_backward(float *dx, float *dweight, const float *dy, const float *x, const float *rstd,
                                const float *weight, int64_t n, int64_t h) {
    for (int64_t i = 0; i < n; i++) {
        const float *g = dy + i * h, *xi = x + i * h;
        float r = rstd[i];
        if (dx) {
#pragma clang fp reassociate(on)
            // With z = x * rstd and d = g * weight: dx = rstd * (d - z * mean(d * z)).
            float product = 0;
            for (int64_t j = 0; j < h; j++) product += g[j] * weight[j] * xi[j];
            float b = product * r * r / (float)h;
            float *out = dx + i * h;
            for (int64_t j = 0; j < h; j++) out[j] = r * (g[j] * weight[j] - xi[j] * b);
        }
        if (dweight) {
            for (int64_t j = 0; j < h; j++) dweight[j] += g[j] * xi[j] * r;
        }
    }
}
