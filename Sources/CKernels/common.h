// Shared by the kernels' sources only.
#ifndef UNIEM_KERNELS_COMMON_H
#define UNIEM_KERNELS_COMMON_H

#include "CKernels.h"
#include <string.h>

// One binary, the best of three builds of each kernel chosen by the loader. Elsewhere plain C.
#if defined(__x86_64__) && defined(__linux__)
#define KERNEL __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define KERNEL
#endif
#define INLINE static inline __attribute__((always_inline))

/// exp for |x| < 87 (clamped there), relative error below 2e-7; branch-free, so that loops over it vectorise.
/// x = n ln 2 + r, exp(r) by a polynomial of degree 6 fitted to [-ln 2 / 2, ln 2 / 2], 2^n by its exponent bits.
INLINE float exp_approx(float x) {
    x = x < -87.0f ? -87.0f : x;
    x = x > 87.0f ? 87.0f : x;
    const float shift = 12582912.0f; // 1.5 * 2^23: adding it rounds to a whole number
    float n = (x * 1.44269504f + shift) - shift;
    float r = x - n * 0.693145751953125f;
    r = r - n * 1.42860677e-6f;
    float q = 0.00137514f;
    q = q * r + 0.00836892f;
    q = q * r + 0.04166953f;
    q = q * r + 0.16666518f;
    q = q * r + 0.49999989f;
    float e = q * r * r + r + 1.0f;
    union {
        int32_t i;
        float f;
    } power = {((int32_t)n + 127) << 23};
    return e * power.f;
}

/// A 32-bit mixing function (two multiplications, three xor-shifts): each output bit depends on each input bit.
INLINE uint32_t mix32(uint32_t x) {
    x ^= x >> 16;
    x *= 0x7feb352dU;
    x ^= x >> 15;
    x *= 0x846ca68bU;
    x ^= x >> 16;
    return x;
}

/// The stream of one row: 64 bits mixed (as SplitMix64) down to 32.
INLINE uint32_t row_key(uint64_t key, uint64_t row) {
    uint64_t z = key + (row + 1) * 0x9E3779B97F4A7C15ULL;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return (uint32_t)((z ^ (z >> 31)) >> 32);
}

/// The draws below this are dropped.
INLINE uint32_t drop_threshold(float p) {
    return (uint32_t)((double)p * 4294967296.0);
}

/// 0 where element j of the row is dropped, else `keep`.
INLINE float dropout_factor(uint32_t row, uint32_t j, uint32_t threshold, float keep) {
    return mix32(row + j * 0x9E3779B9U) < threshold ? 0.0f : keep;
}

#endif
