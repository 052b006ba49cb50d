#include "common.h"

/// What the weighted sum of a sequence of `length` rows is divided by.
INLINE float pool_divisor(int64_t length, enum k_weights weights) {
    switch (weights) {
    case K_WEIGHTS_MEAN: return (float)length;
    case K_WEIGHTS_RAMP: return 0.5f * (float)length * (float)(length + 1);
    case K_WEIGHTS_ROOT: return __builtin_sqrtf((float)length);
    }
}

KERNEL void k_pool_mean_forward(float *out, const float *x, const int32_t *offsets, int64_t sequences, int64_t h,
                                enum k_weights weights) {
    for (int64_t s = 0; s < sequences; s++) {
        int64_t start = offsets[s], length = offsets[s + 1] - start;
        float *y = out + s * h;
        memset(y, 0, (size_t)h * sizeof(float));
        for (int64_t i = 0; i < length; i++) {
            float weight = weights == K_WEIGHTS_RAMP ? (float)(i + 1) : 1.0f;
            const float *row = x + (start + i) * h;
            for (int64_t j = 0; j < h; j++) y[j] += weight * row[j];
        }
        float divisor = pool_divisor(length, weights);
        for (int64_t j = 0; j < h; j++) y[j] /= divisor;
    }
}

KERNEL void k_pool_mean_backward(float *dx, const float *dout, const int32_t *offsets, int64_t sequences, int64_t h,
                                 enum k_weights weights) {
    for (int64_t s = 0; s < sequences; s++) {
        int64_t start = offsets[s], length = offsets[s + 1] - start;
        const float *g = dout + s * h;
        for (int64_t i = 0; i < length; i++) {
            float weight = (weights == K_WEIGHTS_RAMP ? (float)(i + 1) : 1.0f) / pool_divisor(length, weights);
            float *row = dx + (start + i) * h;
            for (int64_t j = 0; j < h; j++) row[j] = weight * g[j];
        }
    }
}

KERNEL void k_pool_row_forward(float *out, const float *x, const int32_t *offsets, int64_t sequences, int64_t h,
                               bool last) {
    for (int64_t s = 0; s < sequences; s++) {
        int64_t row = last ? offsets[s + 1] - 1 : offsets[s];
        memcpy(out + s * h, x + row * h, (size_t)h * sizeof(float));
    }
}

KERNEL void k_pool_row_backward(float *dx, const float *dout, const int32_t *offsets, int64_t sequences, int64_t h,
                                bool last) {
    for (int64_t s = 0; s < sequences; s++) {
        int64_t start = offsets[s], length = offsets[s + 1] - start, row = last ? start + length - 1 : start;
        memset(dx + start * h, 0, (size_t)(length * h) * sizeof(float));
        memcpy(dx + row * h, dout + s * h, (size_t)h * sizeof(float));
    }
}

KERNEL void k_pool_max_forward(float *out, int32_t *places, const float *x, const int32_t *offsets,
                               int64_t sequences, int64_t h) {
    for (int64_t s = 0; s < sequences; s++) {
        float *y = out + s * h;
        int32_t *place = places + s * h;
        memcpy(y, x + offsets[s] * h, (size_t)h * sizeof(float));
        for (int64_t j = 0; j < h; j++) place[j] = offsets[s];
        for (int32_t i = offsets[s] + 1; i < offsets[s + 1]; i++) {
            const float *row = x + (int64_t)i * h;
            for (int64_t j = 0; j < h; j++) {
                bool larger = row[j] > y[j];
                y[j] = larger ? row[j] : y[j];
                place[j] = larger ? i : place[j];
            }
        }
    }
}

KERNEL void k_pool_max_backward(float *dx, const float *dout, const int32_t *places, int64_t rows, int64_t sequences,
                                int64_t h) {
    memset(dx, 0, (size_t)(rows * h) * sizeof(float));
    for (int64_t s = 0; s < sequences; s++) {
        for (int64_t j = 0; j < h; j++) dx[(int64_t)places[s * h + j] * h + j] = dout[s * h + j];
    }
}
