#include "common.h"

// Attention of one sequence and head is a handful of small matrix products. They go through one micro-kernel that
// keeps a 4 x 16 block of the result in registers; matrices whose columns are its inner index are transposed into
// scratch first, and rows that hold scores are padded with zeros to a multiple of 16.

typedef float v16 __attribute__((vector_size(64), aligned(4)));
typedef float v8 __attribute__((vector_size(32), aligned(4)));

INLINE int64_t padded(int64_t length) {
    return (length + 15) / 16 * 16;
}

// One block of rows of c = a b for the columns j ..< j + width.
#define BLOCK(V, ROWS)                                                                                               \
    do {                                                                                                             \
        V acc0 = {0}, acc1 = {0}, acc2 = {0}, acc3 = {0};                                                            \
        const float *ap = a + i * ars, *bp = b + j;                                                                  \
        for (int64_t l = 0; l < inner; l++, ap += acs, bp += ldb) {                                                  \
            V bv = *(const V *)bp;                                                                                   \
            acc0 += ap[0] * bv;                                                                                      \
            if (ROWS > 1) acc1 += ap[ars] * bv;                                                                      \
            if (ROWS > 2) acc2 += ap[2 * ars] * bv;                                                                  \
            if (ROWS > 3) acc3 += ap[3 * ars] * bv;                                                                  \
        }                                                                                                            \
        *(V *)(c + i * ldc + j) = acc0 * factor;                                                                     \
        if (ROWS > 1) *(V *)(c + (i + 1) * ldc + j) = acc1 * factor;                                                 \
        if (ROWS > 2) *(V *)(c + (i + 2) * ldc + j) = acc2 * factor;                                                 \
        if (ROWS > 3) *(V *)(c + (i + 3) * ldc + j) = acc3 * factor;                                                 \
    } while (0)

/// c [m, n] = factor * a [m, inner] b [inner, n]. Element (i, l) of a is a[i * ars + l * acs].
INLINE void product(float *c, int64_t ldc, const float *a, int64_t ars, int64_t acs, const float *b, int64_t ldb,
                    int64_t m, int64_t inner, int64_t n, float factor) {
    int64_t j = 0;
    for (; j + 16 <= n; j += 16) {
        int64_t i = 0;
        for (; i + 4 <= m; i += 4) BLOCK(v16, 4);
        for (; i < m; i++) BLOCK(v16, 1);
    }
    for (; j + 8 <= n; j += 8) {
        int64_t i = 0;
        for (; i + 4 <= m; i += 4) BLOCK(v8, 4);
        for (; i < m; i++) BLOCK(v8, 1);
    }
    for (; j < n; j++) {
        for (int64_t i = 0; i < m; i++) {
            float sum = 0;
            for (int64_t l = 0; l < inner; l++) sum += a[i * ars + l * acs] * b[l * ldb + j];
            c[i * ldc + j] = sum * factor;
        }
    }
}

/// t [columns, wide] = the transpose of x [rows, columns] (row stride ldx), zeros in columns rows ..< wide.
INLINE void transpose(float *t, int64_t wide, const float *x, int64_t ldx, int64_t rows, int64_t columns) {
    for (int64_t d = 0; d < columns; d++) {
        float *out = t + d * wide;
        for (int64_t i = 0; i < rows; i++) out[i] = x[i * ldx + d];
        for (int64_t i = rows; i < wide; i++) out[i] = 0;
    }
}

/// The softmax of s [length] in place; zeros up to wide.
INLINE void softmax_row(float *s, int64_t length, int64_t wide) {
#pragma clang fp reassociate(on)
    float top = s[0];
    for (int64_t j = 1; j < length; j++) top = s[j] > top ? s[j] : top;
    float sum = 0;
    for (int64_t j = 0; j < length; j++) {
        float e = exp_approx(s[j] - top);
        s[j] = e;
        sum += e;
    }
    float factor = 1.0f / sum;
    for (int64_t j = 0; j < length; j++) s[j] *= factor;
    for (int64_t j = length; j < wide; j++) s[j] = 0;
}

INLINE void drop_row(float *y, const float *x, int64_t length, uint64_t key, uint64_t row, float p) {
    uint32_t stream = row_key(key, row), threshold = drop_threshold(p);
    float keep = 1.0f / (1.0f - p);
    for (int64_t j = 0; j < length; j++) y[j] = x[j] * dropout_factor(stream, (uint32_t)j, threshold, keep);
}

int64_t k_attention_probabilities(int64_t length, int64_t heads) {
    return heads * length * padded(length);
}

int64_t k_attention_scratch(int64_t longest, int64_t head_size) {
    // The transpose of k or v, and two score matrices.
    return head_size * padded(longest) + 2 * longest * padded(longest);
}

KERNEL void k_attention_forward(float *context, float *probabilities, float *scratch, const float *q, const float *k,
                                const float *v, const int32_t *offsets, int64_t sequences, int64_t heads,
                                int64_t head_size, float scale, const uint32_t *rows, uint64_t key, float p) {
    int64_t h = heads * head_size;
    for (int64_t s = 0; s < sequences; s++) {
        int64_t start = offsets[s], length = offsets[s + 1] - start, wide = padded(length);
        float *transposed = scratch, *scores = transposed + head_size * wide, *dropped = scores + length * wide;
        for (int64_t head = 0; head < heads; head++) {
            int64_t at = start * h + head * head_size;
            float *probs = probabilities ? probabilities : scores;
            transpose(transposed, wide, k + at, h, length, head_size);
            product(probs, wide, q + at, h, 1, transposed, wide, length, head_size, wide, scale);
            for (int64_t i = 0; i < length; i++) {
                softmax_row(probs + i * wide, length, wide);
                if (p > 0) {
                    uint64_t row = (uint64_t)rows[start + i] * (uint64_t)heads + (uint64_t)head;
                    drop_row(dropped + i * wide, probs + i * wide, length, key, row, p);
                }
            }
            product(context + at, h, p > 0 ? dropped : probs, wide, 1, v + at, h, length, length, head_size, 1);
            if (probabilities) probabilities += length * wide;
        }
    }
}

KERNEL void k_attention_backward(float *dq, float *dk, float *dv, float *scratch, const float *dcontext,
                                 const float *q, const float *k, const float *v, const float *probabilities,
                                 const int32_t *offsets, int64_t sequences, int64_t heads, int64_t head_size,
                                 float scale, const uint32_t *rows, uint64_t key, float p) {
    int64_t h = heads * head_size;
    for (int64_t s = 0; s < sequences; s++) {
        int64_t start = offsets[s], length = offsets[s + 1] - start, wide = padded(length);
        float *transposed = scratch, *gradient = transposed + head_size * wide, *dropped = gradient + length * wide;
        for (int64_t head = 0; head < heads; head++) {
            int64_t at = start * h + head * head_size;
            const float *probs = probabilities;
            probabilities += length * wide;
            transpose(transposed, wide, v + at, h, length, head_size);
            product(gradient, wide, dcontext + at, h, 1, transposed, wide, length, head_size, wide, 1);
            if (p > 0) {
                for (int64_t i = 0; i < length; i++) {
                    uint64_t row = (uint64_t)rows[start + i] * (uint64_t)heads + (uint64_t)head;
                    drop_row(dropped + i * wide, probs + i * wide, length, key, row, p);
                    drop_row(gradient + i * wide, gradient + i * wide, length, key, row, p);
                }
            }
            // dv = probs^T dcontext
            product(dv + at, h, p > 0 ? dropped : probs, 1, wide, dcontext + at, h, length, length, head_size, 1);
            for (int64_t i = 0; i < length; i++) {
#pragma clang fp reassociate(on)
                const float *pr = probs + i * wide;
                float *g = gradient + i * wide;
                float dot = 0;
                for (int64_t j = 0; j < length; j++) dot += pr[j] * g[j];
                for (int64_t j = 0; j < length; j++) g[j] = pr[j] * (g[j] - dot);
            }
            product(dq + at, h, gradient, wide, 1, k + at, h, length, length, head_size, scale);
            product(dk + at, h, gradient, 1, wide, q + at, h, length, length, head_size, scale);
        }
    }
}
