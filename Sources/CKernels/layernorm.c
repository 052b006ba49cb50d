#include "common.h"

/// The mean of z [h] and 1 / sqrt(variance + epsilon); the variance is that of the whole row (divided by h).
INLINE void row_statistics(const float *z, int64_t h, float epsilon, float *mean, float *rstd) {
#pragma clang fp reassociate(on)
    float sum = 0;
    for (int64_t j = 0; j < h; j++) sum += z[j];
    float center = sum / (float)h;
    float squares = 0;
    for (int64_t j = 0; j < h; j++) squares += (z[j] - center) * (z[j] - center);
    *mean = center;
    *rstd = 1.0f / __builtin_elementwise_sqrt(squares / (float)h + epsilon);
}

KERNEL void k_layer_norm_forward(float *y, float *normalized, float *rstd, const float *x, const float *residual,
                                 const float *weight, const float *bias, int64_t n, int64_t h, float epsilon,
                                 const uint32_t *rows, uint64_t key, float p) {
    uint32_t threshold = drop_threshold(p);
    float keep = 1.0f / (1.0f - p);
    for (int64_t i = 0; i < n; i++) {
        // y's row serves as the place for z until it is overwritten.
        float *z = y + i * h;
        const float *xi = x + i * h;
        if (p > 0) {
            uint32_t row = row_key(key, rows[i]);
            for (int64_t j = 0; j < h; j++) z[j] = xi[j] * dropout_factor(row, (uint32_t)j, threshold, keep);
        } else if (z != xi) {
            memcpy(z, xi, (size_t)h * sizeof(float));
        }
        if (residual) {
            const float *r = residual + i * h;
            for (int64_t j = 0; j < h; j++) z[j] += r[j];
        }
        float mean, scale;
        row_statistics(z, h, epsilon, &mean, &scale);
        if (normalized) {
            float *out = normalized + i * h;
            rstd[i] = scale;
            for (int64_t j = 0; j < h; j++) {
                float value = (z[j] - mean) * scale;
                out[j] = value;
                z[j] = value * weight[j] + bias[j];
            }
        } else {
            for (int64_t j = 0; j < h; j++) z[j] = (z[j] - mean) * scale * weight[j] + bias[j];
        }
    }
}

KERNEL void k_layer_norm_backward(float *dz, float *dweight, float *dbias, const float *dy, const float *normalized,
                                  const float *rstd, const float *weight, int64_t n, int64_t h) {
    for (int64_t i = 0; i < n; i++) {
        const float *g = dy + i * h, *z = normalized + i * h;
        if (dz) {
#pragma clang fp reassociate(on)
            // With d = g * weight: dz = rstd * (d - mean(d) - z * mean(d * z)).
            float sum = 0, product = 0;
            for (int64_t j = 0; j < h; j++) {
                float d = g[j] * weight[j];
                sum += d;
                product += d * z[j];
            }
            float a = sum / (float)h, b = product / (float)h, r = rstd[i];
            float *out = dz + i * h;
            for (int64_t j = 0; j < h; j++) out[j] = r * (g[j] * weight[j] - a - z[j] * b);
        }
        if (dweight) {
            for (int64_t j = 0; j < h; j++) dweight[j] += g[j] * z[j];
        }
        if (dbias) {
            for (int64_t j = 0; j < h; j++) dbias[j] += g[j];
        }
    }
}
