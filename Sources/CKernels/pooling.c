#include "common.h"

/// The first row of a sequence of `length` that is pooled, from 0.
INLINE int64_t pool_start(int64_t length, int64_t skip) {
    return skip < length ? skip : length - 1;
}

/// What the weighted sum of rows `first` ..< `length` of a sequence is divided by.
INLINE float pool_divisor(int64_t first, int64_t length, enum k_weights weights) {
    switch (weights) {
    case K_WEIGHTS_MEAN: return (float)(length - first);
    case K_WEIGHTS_RAMP: return 0.5f * ((float)length * (float)(length + 1) - (float)first * (float)(first + 1));
    case K_WEIGHTS_ROOT: return __builtin_sqrtf((float)(length - first));
    }
}

KERNEL void k_pool_mean_forward(float *out, const float *x, const int32_t *offsets, int64_t sequences, int64_t h,
                                int64_t skip, enum k_weights weights) {
    for (int64_t s = 0; s < sequences; s++) {
        int64_t start = offsets[s], length = offsets[s + 1] - start, first = pool_start(length, skip);
        float *y = out + s * h;
        memset(y, 0, (size_t)h * sizeof(float));
        for (int64_t i = first; i < length; i++) {
            float weight = weights == K_WEIGHTS_RAMP ? (float)(i + 1) : 1.0f;
            const float *row = x + (start + i) * h;
            for (int64_t j = 0; j < h; j++) y[j] += weight * row[j];
        }
        float divisor = pool_divisor(first, length, weights);
        for (int64_t j = 0; j < h; j++) y[j] /= divisor;
    }
}

KERNEL void k_pool_mean_backward(float *dx, const float *dout, const int32_t *offsets, int64_t sequences, int64_t h,
                                 int64_t skip, enum k_weights weights) {
    for (int64_t s = 0; s < sequences; s++) {
        int64_t start = offsets[s], length = offsets[s + 1] - start, first = pool_start(length, skip);
        const float *g = dout + s * h;
        memset(dx + start * h, 0, (size_t)(first * h) * sizeof(float));
        for (int64_t i = first; i < length; i++) {
            float weight =
                (weights == K_WEIGHTS_RAMP ? (float)(i + 1) : 1.0f) / pool_divisor(first, length, weights);
            float *row = dx + (start + i) * h;
            for (int64_t j = 0; j < h; j++) row[j] = weight * g[j];
        }
    }
}

KERNEL void k_pool_row_forward(float *out, const float *x, const int32_t *offsets, int64_t sequences, int64_t h,
                               int64_t skip, bool last) {
    for (int64_t s = 0; s < sequences; s++) {
        int64_t start = offsets[s], length = offsets[s + 1] - start;
        int64_t row = start + (last ? length - 1 : pool_start(length, skip));
        memcpy(out + s * h, x + row * h, (size_t)h * sizeof(float));
    }
}

KERNEL void k_pool_row_backward(float *dx, const float *dout, const int32_t *offsets, int64_t sequences, int64_t h,
                                int64_t skip, bool last) {
    for (int64_t s = 0; s < sequences; s++) {
        int64_t start = offsets[s], length = offsets[s + 1] - start;
        int64_t row = start + (last ? length - 1 : pool_start(length, skip));
        memset(dx + start * h, 0, (size_t)(length * h) * sizeof(float));
        memcpy(dx + row * h, dout + s * h, (size_t)h * sizeof(float));
    }
}

KERNEL void k_pool_max_forward(float *out, int32_t *places, const float *x, const int32_t *offsets,
                               int64_t sequences, int64_t h, int64_t skip) {
    for (int64_t s = 0; s < sequences; s++) {
        float *y = out + s * h;
        int32_t *place = places + s * h;
        int32_t first = offsets[s] + (int32_t)pool_start(offsets[s + 1] - offsets[s], skip);
        memcpy(y, x + (int64_t)first * h, (size_t)h * sizeof(float));
        for (int64_t j = 0; j < h; j++) place[j] = first;
        for (int32_t i = first + 1; i < offsets[s + 1]; i++) {
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
