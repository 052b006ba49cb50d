#include "common.h"

KERNEL void k_from_f16(float *y, const void *x, int64_t n) {
    const unsigned char *bytes = x;
    for (int64_t i = 0; i < n; i++) {
        uint16_t half;
        memcpy(&half, bytes + 2 * i, 2);
        // Shift exponent and mantissa into place, then let a multiplication repair the exponent's bias: exact for
        // normal and subnormal numbers. Infinity and NaN get all exponent bits.
        union {
            uint32_t u;
            float f;
        } bits = {(uint32_t)(half & 0x7FFF) << 13};
        bits.f *= 0x1p112f;
        if ((half & 0x7C00) == 0x7C00) bits.u |= 0x7F800000U;
        bits.u |= (uint32_t)(half & 0x8000) << 16;
        y[i] = bits.f;
    }
}

KERNEL void k_from_bf16(float *y, const void *x, int64_t n) {
    const unsigned char *bytes = x;
    for (int64_t i = 0; i < n; i++) {
        uint16_t half;
        memcpy(&half, bytes + 2 * i, 2);
        union {
            uint32_t u;
            float f;
        } bits = {(uint32_t)half << 16};
        y[i] = bits.f;
    }
}

KERNEL void k_round_bf16(float *y, const float *x, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        union {
            float f;
            uint32_t u;
        } bits = {x[i]};
        uint32_t rounded = (bits.u + 0x7FFFU + (bits.u >> 16 & 1)) & 0xFFFF0000U;
        // NaN must not become infinite.
        bits.u = x[i] == x[i] ? rounded : (bits.u & 0xFFFF0000U) | 0x00400000U;
        y[i] = bits.f;
    }
}

KERNEL void k_from_f64(float *y, const void *x, int64_t n) {
    const unsigned char *bytes = x;
    for (int64_t i = 0; i < n; i++) {
        double value;
        memcpy(&value, bytes + 8 * i, 8);
        y[i] = (float)value;
    }
}
