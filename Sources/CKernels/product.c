#include "product.h"
#include "vectors.h"

// The result is made in tiles that stay in registers: up to 8 rows of two vectors with AVX-512, 4 of one elsewhere.

typedef struct {
    float *c;
    int64_t ldc;
    const float *a;
    int64_t row, column;
    const float *b;
    int64_t ldb, m, inner, n;
    const float *factors;
    bool adds;
} operands;

/// The tile at (i, j) of the result. Its first `done` columns are left alone.
INLINE void tile(const operands *p, int rows, int vectors, int64_t i, int64_t j, int64_t done) {
    v16 sums[8][2] = {0};
    const float *a[8], *b = p->b + j;
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
        a[r] = p->a + (i + r) * p->row;
        // Else the compiler finds each row from the one before, and the additions take longer than the products.
        __asm__("" : "+r"(a[r]));
    }
    for (int64_t l = 0, at = 0; l < p->inner; l++, at += p->column, b += p->ldb) {
        v16 first = load(b), second = vectors > 1 ? load(b + 16) : first;
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
            sums[r][0] += a[r][at] * first;
            if (vectors > 1) sums[r][1] += a[r][at] * second;
        }
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) {
            float *c = p->c + (i + r) * p->ldc + j + 16 * v;
            v16 sum = p->factors ? sums[r][v] * p->factors[i + r] : sums[r][v];
            if (done == 0) {
                store(c, p->adds ? load(c) + sum : sum);
            } else {
                for (int64_t lane = done; lane < 16; lane++) c[lane] = p->adds ? c[lane] + sum[lane] : sum[lane];
            }
        }
    }
}

/// All rows of the columns at j, in tiles of about the same height, at most `most`.
INLINE void columns(const operands *p, int most, int vectors, int64_t j, int64_t done) {
    for (int i = 0, count; i < p->m; i += count) {
        int left = (int)p->m - i, tiles = (left + most - 1) / most;
        count = (left + tiles - 1) / tiles;
        switch (count) {
        case 1: tile(p, 1, vectors, i, j, done); break;
        case 2: tile(p, 2, vectors, i, j, done); break;
        case 3: tile(p, 3, vectors, i, j, done); break;
        case 4: tile(p, 4, vectors, i, j, done); break;
        case 5: tile(p, 5, vectors, i, j, done); break;
        case 6: tile(p, 6, vectors, i, j, done); break;
        case 7: tile(p, 7, vectors, i, j, done); break;
        default: tile(p, 8, vectors, i, j, done);
        }
    }
}

INLINE bool has_wide_registers(void) {
#if defined(__x86_64__) && defined(__linux__)
    return __builtin_cpu_supports("avx512f");
#else
    return false;
#endif
}

KERNEL WIDE void k_product(float *c, int64_t ldc, const float *a, int64_t row, int64_t column, const float *b,
                           int64_t ldb, int64_t m, int64_t inner, int64_t n, const float *factors, bool adds) {
    const operands all = {c, ldc, a, row, column, b, ldb, m, inner, n, factors, adds}, *p = &all;
    bool wide = has_wide_registers();
    int most = wide ? 8 : 4;
    int64_t j = 0;
    for (; wide && j + 32 <= p->n; j += 32) columns(p, most, 2, j, 0);
    if (p->n >= 16) {
        // The last vector ends at the last column; where it would reach further, it begins earlier.
        for (; j < p->n; j += 16) {
            int64_t over = j + 16 > p->n ? j + 16 - p->n : 0;
            columns(p, most, 1, j - over, over);
        }
        return;
    }
    for (; j < p->n; j++) {
        for (int64_t i = 0; i < p->m; i++) {
            float sum = 0, *c = p->c + i * p->ldc + j;
            for (int64_t l = 0; l < p->inner; l++) sum += p->a[i * p->row + l * p->column] * p->b[l * p->ldb + j];
            if (p->factors) sum *= p->factors[i];
            *c = p->adds ? *c + sum : sum;
        }
    }
}
