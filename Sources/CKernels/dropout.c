#include "common.h"

KERNEL void k_dropout(float *y, const float *x, int64_t n, int64_t h, const uint32_t *rows, uint64_t key, float p) {
    uint32_t threshold = drop_threshold(p);
    float keep = 1.0f / (1.0f - p);
    for (int64_t i = 0; i < n; i++) {
        uint32_t row = row_key(key, rows[i]);
        for (int64_t j = 0; j < h; j++) {
            y[i * h + j] = x[i * h + j] * dropout_factor(row, (uint32_t)j, threshold, keep);
        }
    }
}
