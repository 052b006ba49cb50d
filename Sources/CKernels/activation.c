#include "common.h"

/// The standard normal distribution: its cumulative function, and through `density` its density.
///
/// Phi(-|x|) = exp(-x^2 / 2) * u * poly(u) with u = 1 / (1 + 0.21 |x|); the polynomial is a fit of degree 8 with
/// relative error 1e-8, so that in float32 the tails keep their relative precision.
INLINE float normal_cdf(float x, float *density) {
    float a = x < 0 ? -x : x;
    float u = 1.0f / (1.0f + 0.21f * a);
    float e = exp_approx(-0.5f * x * x);
    float q = -0.0724191666f;
    q = q * u + 0.2873578966f;
    q = q * u - 0.3382188082f;
    q = q * u + 0.3587915003f;
    q = q * u - 0.1006714180f;
    q = q * u + 0.1278934479f;
    q = q * u + 0.0683697388f;
    q = q * u + 0.0851932466f;
    q = q * u + 0.0837035775f;
    float tail = e * u * q;
    *density = e * 0.3989422804f;
    return x < 0 ? tail : 1.0f - tail;
}

KERNEL void k_gelu_erf(float *restrict y, float *restrict slope, const float *restrict x, int64_t n) {
    float density;
    if (!slope) {
        for (int64_t i = 0; i < n; i++) y[i] = x[i] * normal_cdf(x[i], &density);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        float cdf = normal_cdf(x[i], &density);
        y[i] = x[i] * cdf;
        slope[i] = cdf + x[i] * density;
    }
}

/// GELU by tanh is x / (1 + exp(-2u)) with u = sqrt(2/pi) * (x + 0.044715 x^3): without the cancellation of 1 + tanh(u)
/// the tail keeps its digits. Returns 1 / (1 + exp(-2u)); `slope` gets x * its derivative. Beyond 20 both are at their
/// limits, and x^3 must not overflow.
INLINE float logistic_cdf(float x, float *slope) {
    float v = x < -20.0f ? -20.0f : x;
    v = v > 20.0f ? 20.0f : v;
    float e = exp_approx(-1.5957691216f * (v + 0.044715f * v * v * v));
    float s = 1.0f / (1.0f + e);
    *slope = v * (e * s) * s * (1.5957691216f * (1.0f + 3.0f * 0.044715f * v * v));
    return s;
}

KERNEL void k_gelu_tanh(float *restrict y, float *restrict slope, const float *restrict x, int64_t n) {
    float rest;
    if (!slope) {
        for (int64_t i = 0; i < n; i++) y[i] = x[i] * logistic_cdf(x[i], &rest);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        float cdf = logistic_cdf(x[i], &rest);
        y[i] = x[i] * cdf;
        slope[i] = cdf + rest;
    }
}

/// tanh, without cancellation near 0: there by its series (relative error 4e-8 at 0.1), beyond by 1 - 2 / (1 + e^2x).
INLINE float tanh_approx(float x) {
    float a = x < 0 ? -x : x;
    float square = x * x;
    float series = a * (1.0f + square * (-0.333333333f + square * (0.133333333f - 0.0539682540f * square)));
    float far = 1.0f - 2.0f / (1.0f + exp_approx(2.0f * a));
    float y = a < 0.1f ? series : far;
    return x < 0 ? -y : y;
}

KERNEL void k_tanh_forward(float *y, const float *x, int64_t n) {
    for (int64_t i = 0; i < n; i++) y[i] = x[i] != x[i] ? x[i] : tanh_approx(x[i]);
}

KERNEL void k_tanh_backward(float *dx, const float *dy, const float *x, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        // 1 - tanh^2 = 4 e / (1 + e)^2 with e = exp(-2|x|): no cancellation where tanh is near 1.
        float e = exp_approx(x[i] < 0 ? 2.0f * x[i] : -2.0f * x[i]);
        dx[i] = dy[i] * (4.0f * e / ((1.0f + e) * (1.0f + e)));
    }
}

KERNEL void k_sigmoid_forward(float *y, const float *x, int64_t n) {
    for (int64_t i = 0; i < n; i++) y[i] = x[i] != x[i] ? x[i] : 1.0f / (1.0f + exp_approx(-x[i]));
}

KERNEL void k_sigmoid_backward(float *dx, const float *dy, const float *x, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        float e = exp_approx(x[i] < 0 ? x[i] : -x[i]);
        dx[i] = dy[i] * (e / ((1.0f + e) * (1.0f + e)));
    }
}

KERNEL void k_relu_forward(float *y, const float *x, int64_t n) {
    for (int64_t i = 0; i < n; i++) y[i] = x[i] <= 0 ? 0 : x[i]; // NaN stays NaN
}

KERNEL void k_relu_backward(float *dx, const float *dy, const float *x, int64_t n) {
    for (int64_t i = 0; i < n; i++) dx[i] = x[i] > 0 ? dy[i] : 0;
}
