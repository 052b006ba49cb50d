#include "common.h"
#include <math.h>

// The losses work in double: they are small beside the encoder, and at temperature 0.01 the rounding of a float32
// cosine would already show in the fifth digit of a gradient.

KERNEL void k_normalize_rows_forward(double *y, double *norms, const float *x, int64_t n, int64_t d, double epsilon) {
    for (int64_t i = 0; i < n; i++) {
        const float *row = x + i * d;
        double norm = sqrt(k_sum_of_squares(row, d));
        double factor = 1 / (norm > epsilon ? norm : epsilon);
        norms[i] = norm;
        for (int64_t j = 0; j < d; j++) y[i * d + j] = row[j] * factor;
    }
}

KERNEL void k_normalize_rows_backward(float *dx, const double *dy, const double *y, const double *norms, int64_t n,
                                      int64_t d, double epsilon) {
    for (int64_t i = 0; i < n; i++) {
        const double *g = dy + i * d, *u = y + i * d;
        double clamped = norms[i] > epsilon ? norms[i] : epsilon, dot = 0;
        for (int64_t j = 0; j < d; j++) dot += g[j] * u[j];
        // y = x / c and dc/dx = x / |x| = y c / |x|, so dx = (g - (g . y) y c / |x|) / c; nothing flows to |0|.
        double along = norms[i] > 0 ? dot * clamped / norms[i] : 0;
        for (int64_t j = 0; j < d; j++) dx[i * d + j] = (float)((g[j] - along * u[j]) / clamped);
    }
}

double k_softmax_loss(double *dscores, double *dpositives, const double *scores, const double *positives, int64_t n,
                      int64_t m, double temperature, bool own_diagonal) {
    double loss = 0;
    for (int64_t i = 0; i < n; i++) {
        const double *s = scores + i * m;
        double *g = dscores + i * m, top = positives[i];
        for (int64_t j = 0; j < m; j++) {
            if (!(own_diagonal && i == j) && s[j] > top) top = s[j];
        }
        double own = exp((positives[i] - top) / temperature), sum = own, others = 0;
        for (int64_t j = 0; j < m; j++) {
            g[j] = own_diagonal && i == j ? 0 : exp((s[j] - top) / temperature);
            others += g[j];
        }
        sum += others;
        // -log(own / sum); the form with log1p keeps the digits of a loss near 0.
        loss += top == positives[i] ? log1p(others) : log(sum) - (positives[i] - top) / temperature;
        double factor = 1 / (sum * temperature * (double)n);
        for (int64_t j = 0; j < m; j++) g[j] *= factor;
        dpositives[i] = -others * factor;
    }
    return loss / (double)n;
}

double k_sigmoid_loss(double *dscores, double *dpositives, const double *scores, const double *positives, int64_t n,
                      int64_t m, double temperature, bool own_diagonal) {
    double loss = 0;
    double count = (double)(own_diagonal ? n * (m - 1) : n * m);
    for (int64_t i = 0; i < n; i++) {
        dpositives[i] = 0;
        for (int64_t j = 0; j < m; j++) {
            if (own_diagonal && i == j) {
                dscores[i * m + j] = 0;
                continue;
            }
            // softplus(x) = max(x, 0) + log1p(exp(-|x|))
            double x = (scores[i * m + j] - positives[i]) / temperature, e = exp(-fabs(x));
            loss += (x > 0 ? x : 0) + log1p(e);
            double sigmoid = x > 0 ? 1 / (1 + e) : e / (1 + e);
            double g = sigmoid / (temperature * count);
            dscores[i * m + j] = g;
            dpositives[i] -= g;
        }
    }
    return loss / count;
}

double k_cosent_loss(double *dscores, const double *scores, const double *labels, int64_t n, double temperature) {
    double top = 0;
    for (int64_t i = 0; i < n; i++) {
        dscores[i] = 0;
        for (int64_t j = 0; j < n; j++) {
            double x = (scores[i] - scores[j]) / temperature;
            if (labels[i] < labels[j] && x > top) top = x;
        }
    }
    double others = 0;
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < n; j++) {
            if (!(labels[i] < labels[j])) continue;
            double e = exp((scores[i] - scores[j]) / temperature - top);
            others += e;
            dscores[i] += e;
            dscores[j] -= e;
        }
    }
    double one = exp(-top), factor = 1 / ((one + others) * temperature);
    for (int64_t i = 0; i < n; i++) dscores[i] *= factor;
    return top == 0 ? log1p(others) : top + log(one + others);
}
