#include "common.h"

/// The weight of the row at `index` of a sequence of `length` rows.
INLINE float pool_weight(int64_t index, int64_t length, bool ramp) {
    float whole = ramp ? 0.5f * (float)length * (float)(length + 1) : (float)length;
    return (ramp ? (float)(index + 1) : 1.0f) / whole;
}

KERNEL void k_pool_mean_forward(float *out, const float *x, const int32_t *offsets, int64_t sequences, int64_t h,
                                bool ramp) {
    for (int64_t s = 0; s < sequences; s++) {
        int64_t start = offsets[s], length = offsets[s + 1] - start;
        float *y = out + s * h;
        memset(y, 0, (size_t)h * sizeof(float));
        for (int64_t i = 0; i < length; i++) {
            float weight = ramp ? (float)(i + 1) : 1.0f;
            const float *row = x + (start + i) * h;
            for (int64_t j = 0; j < h; j++) y[j] += weight * row[j];
        }
        float whole = ramp ? 0.5f * (float)length * (float)(length + 1) : (float)length;
        for (int64_t j = 0; j < h; j++) y[j] /= whole;
    }
}

KERNEL void k_pool_mean_backward(float *dx, const float *dout, const int32_t *offsets, int64_t sequences, int64_t h,
                                 bool ramp) {
    for (int64_t s = 0; s < sequences; s++) {
        int64_t start = offsets[s], length = offsets[s + 1] - start;
        const float *g = dout + s * h;
        for (int64_t i = 0; i < length; i++) {
            float weight = pool_weight(i, length, ramp);
            float *row = dx + (start + i) * h;
            for (int64_t j = 0; j < h; j++) row[j] = weight * g[j];
        }
    }
}

KERNEL void k_pool_first_forward(float *out, const float *x, const int32_t *offsets, int64_t sequences, int64_t h) {
    for (int64_t s = 0; s < sequences; s++) memcpy(out + s * h, x + offsets[s] * h, (size_t)h * sizeof(float));
}

KERNEL void k_pool_first_backward(float *dx, const float *dout, const int32_t *offsets, int64_t sequences,
                                  int64_t h) {
    for (int64_t s = 0; s < sequences; s++) {
        int64_t start = offsets[s], length = offsets[s + 1] - start;
        memset(dx + start * h, 0, (size_t)(length * h) * sizeof(float));
        memcpy(dx + start * h, dout + s * h, (size_t)h * sizeof(float));
    }
}
