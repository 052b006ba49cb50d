#include "common.h"

KERNEL void k_adamw(float *p, float *m, float *v, const float *gradient, int64_t n, double rate, double beta1,
                    double beta2, double epsilon, double decay, double correction1, double correction2) {
    // The scalars are rounded to float32 where torch rounds them: when they meet a float32 tensor.
    float keep = (float)(1 - rate * decay), lerp = (float)(1 - beta1);
    float b2 = (float)beta2, c2 = (float)(1 - beta2), eps = (float)epsilon;
    float step = (float)(rate / correction1), root = (float)__builtin_sqrt(correction2);
    if (!gradient) {
        for (int64_t i = 0; i < n; i++) {
            m[i] = m[i] - m[i] * lerp;
            v[i] = v[i] * b2;
            p[i] = p[i] * keep - step * (m[i] / (__builtin_elementwise_sqrt(v[i]) / root + eps));
        }
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        float g = gradient[i];
        m[i] = m[i] + (g - m[i]) * lerp;
        v[i] = v[i] * b2 + c2 * g * g;
        p[i] = p[i] * keep - step * (m[i] / (__builtin_elementwise_sqrt(v[i]) / root + eps));
    }
}
