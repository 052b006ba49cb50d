#include "common.h"

KERNEL void k_rotate(float *y, const float *x, const float *cosines, const float *sines, const int32_t *positions,
                     int64_t n, int64_t heads, int64_t size, float sign) {
    int64_t half = size / 2;
    for (int64_t i = 0; i < n; i++) {
        const float *c = cosines + (int64_t)positions[i] * half, *s = sines + (int64_t)positions[i] * half;
        for (int64_t head = 0; head < heads; head++) {
            const float *in = x + (i * heads + head) * size;
            float *out = y + (i * heads + head) * size;
            for (int64_t j = 0; j < half; j++) {
                float a = in[j], b = in[j + half], turn = sign * s[j];
                out[j] = a * c[j] - b * turn;
                out[j + half] = b * c[j] + a * turn;
            }
        }
    }
}
