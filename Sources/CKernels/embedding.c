#include "common.h"

KERNEL void k_gather_rows(float *y, const float *table, const int32_t *ids, int64_t n, int64_t h, bool add) {
    for (int64_t i = 0; i < n; i++) {
        const float *row = table + (int64_t)ids[i] * h;
        float *out = y + i * h;
        if (add) {
            for (int64_t j = 0; j < h; j++) out[j] += row[j];
        } else {
            memcpy(out, row, (size_t)h * sizeof(float));
        }
    }
}

KERNEL void k_scatter_add_rows(float *dtable, const float *dy, const int32_t *ids, int64_t n, int64_t h) {
    for (int64_t i = 0; i < n; i++) {
        float *row = dtable + (int64_t)ids[i] * h;
        const float *g = dy + i * h;
        for (int64_t j = 0; j < h; j++) row[j] += g[j];
    }
}
