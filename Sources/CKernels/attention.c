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

/// The softmax of s[first ..< end] in place; zeros elsewhere up to wide.
INLINE void softmax_row(float *s, int64_t first, int64_t end, int64_t wide) {
#pragma clang fp reassociate(on)
    float top = s[first];
    for (int64_t j = first + 1; j < end; j++) top = s[j] > top ? s[j] : top;
    float sum = 0;
    for (int64_t j = first; j < end; j++) {
        float e = exp_approx(s[j] - top);
        s[j] = e;
        sum += e;
    }
    float factor = 1.0f / sum;
    for (int64_t j = first; j < end; j++) s[j] *= factor;
    for (int64_t j = 0; j < first; j++) s[j] = 0;
    for (int64_t j = end; j < wide; j++) s[j] = 0;
}

INLINE void drop_row(float *y, const float *x, int64_t length, uint64_t key, uint64_t row, float p) {
    uint32_t stream = row_key(key, row), threshold = drop_threshold(p);
    float keep = 1.0f / (1.0f - p);
    for (int64_t j = 0; j < length; j++) y[j] = x[j] * dropout_factor(stream, (uint32_t)j, threshold, keep);
}

// Where queries see only some keys, products leave out what is zero: rows are taken in blocks, and of each block only
// the columns that some row of it sees (rounded outwards to whole vectors). Where all are seen there is one block.

typedef struct {
    int64_t first, end;
} span;

INLINE int64_t block_size(const k_attention_sizes *sizes, int64_t length) {
    return sizes->before >= length - 1 && sizes->after >= length - 1 ? length : 64;
}

/// The indices within `before` of the first and `after` of the last of i ..< i + count, cut to 0 ..< length.
INLINE span seen(int64_t i, int64_t count, int64_t before, int64_t after, int64_t length) {
    span result = {i > before ? i - before : 0, length};
    if (after < length - i - count) result.end = i + count + after;
    return result;
}

INLINE int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/// scores [length, wide] = factor * a b^T, where b is given transposed; only blocks that are seen.
INLINE void score_product(float *scores, const float *a, int64_t lda, const float *transposed, int64_t length,
                          int64_t wide, const k_attention_sizes *sizes, float factor) {
    int64_t block = block_size(sizes, length);
    for (int64_t i = 0; i < length; i += block) {
        int64_t count = smaller(block, length - i);
        span s = seen(i, count, sizes->before, sizes->after, length);
        int64_t j = s.first / 16 * 16;
        product(scores + i * wide + j, wide, a + i * lda, lda, 1, transposed + j, wide, count, sizes->head_size,
                padded(s.end) - j, factor);
    }
}

/// c = factor * weights b, where weights [length, wide] are zero outside what is seen.
INLINE void weighted_product(float *c, int64_t ldc, const float *weights, int64_t wide, const float *b, int64_t ldb,
                             int64_t length, const k_attention_sizes *sizes, float factor) {
    int64_t block = block_size(sizes, length);
    for (int64_t i = 0; i < length; i += block) {
        int64_t count = smaller(block, length - i);
        span s = seen(i, count, sizes->before, sizes->after, length);
        product(c + i * ldc, ldc, weights + i * wide + s.first, wide, 1, b + s.first * ldb, ldb, count,
                s.end - s.first, sizes->head_size, factor);
    }
}

/// c = factor * weights^T b; what key j is seen by is what it would see with `before` and `after` exchanged.
INLINE void transposed_product(float *c, int64_t ldc, const float *weights, int64_t wide, const float *b,
                               int64_t ldb, int64_t length, const k_attention_sizes *sizes, float factor) {
    int64_t block = block_size(sizes, length);
    for (int64_t j = 0; j < length; j += block) {
        int64_t count = smaller(block, length - j);
        span s = seen(j, count, sizes->after, sizes->before, length);
        product(c + j * ldc, ldc, weights + s.first * wide + j, 1, wide, b + s.first * ldb, ldb, count,
                s.end - s.first, sizes->head_size, factor);
    }
}

/// As transposed_product for the heads that share a key: the first overwrites c, the others add by way of `sum`.
INLINE void shared_product(float *c, int64_t ldc, bool is_first, float *sum, const float *weights, int64_t wide,
                           const float *b, int64_t ldb, int64_t length, const k_attention_sizes *sizes,
                           float factor) {
    int64_t size = sizes->head_size;
    transposed_product(is_first ? c : sum, is_first ? ldc : size, weights, wide, b, ldb, length, sizes, factor);
    if (is_first) return;
    for (int64_t i = 0; i < length; i++) {
        for (int64_t d = 0; d < size; d++) c[i * ldc + d] += sum[i * size + d];
    }
}

int64_t k_attention_probabilities(int64_t length, int64_t heads) {
    return heads * length * padded(length);
}

int64_t k_attention_scratch(int64_t longest, int64_t head_size) {
    // The transpose of k or v, two score matrices, the bias by distance, and the gradient of one key head.
    return 2 * head_size * padded(longest) + 2 * longest * padded(longest) + 2 * longest;
}

KERNEL void k_attention_forward(float *context, float *probabilities, float *scratch, const float *q, const float *k,
                                const float *v, const float *bias, const int32_t *offsets,
                                const k_attention_sizes *given, const uint32_t *rows, uint64_t key, float p) {
    // A copy: the compiler need not fear that results overwrite it.
    const k_attention_sizes copy = *given, *sizes = &copy;
    int64_t size = sizes->head_size, heads = sizes->heads, group = heads / sizes->key_heads;
    int64_t h = heads * size, hk = sizes->key_heads * size;
    for (int64_t s = 0; s < sizes->sequences; s++) {
        int64_t start = offsets[s], length = offsets[s + 1] - start, wide = padded(length);
        float *transposed = scratch, *scores = transposed + size * wide, *dropped = scores + length * wide;
        float *distances = dropped + length * wide;
        for (int64_t head = 0; head < heads; head++) {
            int64_t at = start * h + head * size, key_at = start * hk + head / group * size;
            float *probs = probabilities ? probabilities : scores;
            transpose(transposed, wide, k + key_at, hk, length, size);
            score_product(probs, q + at, h, transposed, length, wide, sizes, sizes->scale);
            if (bias) {
                const float *b = bias + (sizes->bias_center - length + 1) * heads + head;
                for (int64_t d = 0; d < 2 * length - 1; d++) distances[d] = b[d * heads];
            }
            for (int64_t i = 0; i < length; i++) {
                span see = seen(i, 1, sizes->before, sizes->after, length);
                float *row = probs + i * wide;
                if (bias) {
                    const float *d = distances + length - 1 - i;
                    for (int64_t j = see.first; j < see.end; j++) row[j] += d[j];
                }
                softmax_row(row, see.first, see.end, wide);
                if (p > 0) {
                    uint64_t number = (uint64_t)rows[start + i] * (uint64_t)heads + (uint64_t)head;
                    drop_row(dropped + i * wide, row, length, key, number, p);
                }
            }
            weighted_product(context + at, h, p > 0 ? dropped : probs, wide, v + key_at, hk, length, sizes, 1);
            if (probabilities) probabilities += length * wide;
        }
    }
}

KERNEL void k_attention_backward(float *dq, float *dk, float *dv, float *dbias, float *scratch,
                                 const float *dcontext, const float *q, const float *k, const float *v,
                                 const float *probabilities, const int32_t *offsets,
                                 const k_attention_sizes *given, const uint32_t *rows, uint64_t key, float p) {
    // A copy: the compiler need not fear that results overwrite it.
    const k_attention_sizes copy = *given, *sizes = &copy;
    int64_t size = sizes->head_size, heads = sizes->heads, group = heads / sizes->key_heads;
    int64_t h = heads * size, hk = sizes->key_heads * size;
    for (int64_t s = 0; s < sizes->sequences; s++) {
        int64_t start = offsets[s], length = offsets[s + 1] - start, wide = padded(length);
        float *transposed = scratch, *gradient = transposed + size * wide, *dropped = gradient + length * wide;
        float *distances = dropped + length * wide, *sum = distances + 2 * length;
        for (int64_t head = 0; head < heads; head++) {
            int64_t at = start * h + head * size, key_at = start * hk + head / group * size;
            bool is_first = head % group == 0;
            const float *probs = probabilities;
            probabilities += length * wide;
            transpose(transposed, wide, v + key_at, hk, length, size);
            score_product(gradient, dcontext + at, h, transposed, length, wide, sizes, 1);
            if (p > 0) {
                for (int64_t i = 0; i < length; i++) {
                    span see = seen(i, 1, sizes->before, sizes->after, length);
                    for (int64_t j = 0; j < see.first; j++) gradient[i * wide + j] = 0;
                    for (int64_t j = see.end; j < length; j++) gradient[i * wide + j] = 0;
                    uint64_t row = (uint64_t)rows[start + i] * (uint64_t)heads + (uint64_t)head;
                    drop_row(dropped + i * wide, probs + i * wide, length, key, row, p);
                    drop_row(gradient + i * wide, gradient + i * wide, length, key, row, p);
                }
            }
            // dv = probs^T dcontext
            shared_product(dv + key_at, hk, is_first, sum, p > 0 ? dropped : probs, wide, dcontext + at, h, length,
                           sizes, 1);
            for (int64_t i = 0; i < length; i++) {
#pragma clang fp reassociate(on)
                span see = seen(i, 1, sizes->before, sizes->after, length);
                const float *pr = probs + i * wide;
                float *g = gradient + i * wide;
                float dot = 0;
                for (int64_t j = see.first; j < see.end; j++) dot += pr[j] * g[j];
                for (int64_t j = see.first; j < see.end; j++) g[j] = pr[j] * (g[j] - dot);
                for (int64_t j = 0; j < see.first; j++) g[j] = 0;
                for (int64_t j = see.end; j < length; j++) g[j] = 0;
            }
            if (dbias) {
                memset(distances, 0, (size_t)(2 * length - 1) * sizeof(float));
                for (int64_t i = 0; i < length; i++) {
                    const float *g = gradient + i * wide;
                    float *d = distances + length - 1 - i;
                    for (int64_t j = 0; j < length; j++) d[j] += g[j];
                }
                float *b = dbias + (sizes->bias_center - length + 1) * heads + head;
                for (int64_t d = 0; d < 2 * length - 1; d++) b[d * heads] += distances[d];
            }
            weighted_product(dq + at, h, gradient, wide, k + key_at, hk, length, sizes, sizes->scale);
            shared_product(dk + key_at, hk, is_first, sum, gradient, wide, q + at, h, length, sizes, sizes->scale);
        }
    }
}
