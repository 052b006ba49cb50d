#include "vectors.h"

// Matrix products for processors with AVX-512. One micro-kernel keeps a block of 14 x 32 numbers of the result in
// registers (28 of 32) and runs over the whole inner dimension: 28 multiplications and additions for every 2 loads of
// b and 14 broadcasts of a. b is packed into panels of 32 columns, so that these loads are neighbours; a is read in
// place where its rows are contiguous, else packed into strips of 14 rows. The order of additions for one element
// depends on nothing but the inner dimension.
//
// With factors of half precision two neighbours along the inner dimension make one unit of 32 bits, and an instruction
// multiplies and adds two pairs: everything else is as for float32, with units in place of numbers.

#if defined(__x86_64__)
#include <immintrin.h>

#define FAST __attribute__((target("avx512f,avx512dq")))
#define FAST_PAIRS __attribute__((target("avx512f,avx512dq,avx512bf16")))
#define UNROLL _Pragma("clang loop unroll(full)")
enum { STRIP = 14, PANEL = 32 };

bool k_gemm_is_fast(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
}

bool k_gemm_has_pairs(void) {
    return k_gemm_is_fast() && __builtin_cpu_supports("avx512bf16");
}

bool k_gemm_prefers_pairs(void) {
    // Intel's cores issue the instruction every other cycle (measured: 86 GFLOP/s, and 179 with float32); AMD's issue
    // it as often as one of float32.
    return k_gemm_has_pairs() && !__builtin_cpu_is("intel");
}

/// A block of the result begins at nothing, at a bias [32], or goes on from what stands there; in the end it is multiplied
/// by a factor, and added to what stands there.
typedef struct {
    const float *bias;
    bool goes_on;
    float factor;
    bool adds;
} ending;

FAST INLINE void begin(v16 *left, v16 *right, const float *c, int64_t ldc, const int rows, ending end) {
    // A bias is the same row for all.
    const float *first = end.goes_on ? c : end.bias;
    int64_t step = end.goes_on ? ldc : 0;
    UNROLL for (int i = 0; i < rows; i++) {
        left[i] = first ? *(const v16 *)(first + i * step) : (v16){0};
        right[i] = first ? *(const v16 *)(first + i * step + 16) : (v16){0};
    }
}

FAST INLINE void finish(float *c, int64_t ldc, v16 *left, v16 *right, const int rows, ending end) {
    UNROLL for (int i = 0; i < rows; i++) {
        v16 *y0 = (v16 *)(c + i * ldc), *y1 = (v16 *)(c + i * ldc + 16);
        if (end.factor != 1) {
            left[i] *= end.factor;
            right[i] *= end.factor;
        }
        *y0 = end.adds ? *y0 + left[i] : left[i];
        *y1 = end.adds ? *y1 + right[i] : right[i];
    }
}

/// What a block asks memory for while it computes, a little at a time, so that it is there when its turn comes: the block of
/// the result that is next, and `rows` stretches of `lines` lines, `step` numbers apart.
typedef struct {
    const float *result;
    int64_t result_rows;
    const float *from;
    int64_t rows, lines, step;
} wishes;

/// How many steps along the inner dimension lie between wishes.
enum { PACE = 16 };

/// Asks for two rows of the result and two lines of the rest.
FAST INLINE void ask(wishes *w, int64_t ldc, int64_t *line) {
    UNROLL for (int i = 0; i < 2; i++) {
        if (w->result_rows > 0) {
            __builtin_prefetch(w->result, 1);
            __builtin_prefetch(w->result + 31, 1);
            w->result += ldc;
            w->result_rows--;
        }
        if (w->rows > 0) {
            __builtin_prefetch(w->from + 16 * *line, 0, 2);
            if (++*line == w->lines) {
                *line = 0;
                w->rows--;
                w->from += w->step;
            }
        }
    }
}

/// Asks for the two lines of a panel that are `ahead` numbers further; for none where that is 0.
FAST INLINE void ask_ahead(const float *panel, int64_t ahead) {
    if (ahead == 0) return;
    __builtin_prefetch(panel + ahead, 0, 2);
    __builtin_prefetch(panel + ahead + 16, 0, 2);
}

/// Adds the products of a column of a with a row of a panel to a block.
FAST INLINE void multiply(v16 *left, v16 *right, const float *a, int64_t ars, const float *panel, const int rows) {
    v16 p0 = *(const v16 *)panel, p1 = *(const v16 *)(panel + 16);
    UNROLL for (int i = 0; i < rows; i++) {
        float s = a[i * ars];
        left[i] += s * p0;
        right[i] += s * p1;
    }
}

/// As multiply; a and the panel are of pairs.
FAST_PAIRS INLINE void multiply_pairs(v16 *left, v16 *right, const float *a, int64_t ars, const float *panel,
                                      const int rows) {
    __m512bh p0 = (__m512bh) * (const v16 *)panel, p1 = (__m512bh) * (const v16 *)(panel + 16);
    UNROLL for (int i = 0; i < rows; i++) {
        __m512bh s = (__m512bh)_mm512_set1_ps(a[i * ars]);
        left[i] = (v16)_mm512_dpbf16_ps((__m512)left[i], s, p0);
        right[i] = (v16)_mm512_dpbf16_ps((__m512)right[i], s, p1);
    }
}

/// c [rows, 32] from a [rows, k], element (i, l) at a[i * ars + l * acs], and a panel [k, 32].
#define BLOCK(target, name, multiply)                                                                                \
    target INLINE void name(float *c, int64_t ldc, const float *a, int64_t ars, int64_t acs, const float *panel,      \
                            int64_t k, const int rows, ending end, wishes w, int64_t ahead) {                         \
        v16 left[STRIP], right[STRIP];                                                                               \
        begin(left, right, c, ldc, rows, end);                                                                       \
        int64_t line = 0;                                                                                            \
        for (int64_t start = 0; start < k; start += PACE) {                                                          \
            int64_t count = k - start < PACE ? k - start : PACE;                                                     \
            ask(&w, ldc, &line);                                                                                     \
            for (int64_t l = 0; l < count; l++, a += acs, panel += PANEL) {                                          \
                ask_ahead(panel, ahead);                                                                             \
                multiply(left, right, a, ars, panel, rows);                                                          \
            }                                                                                                        \
        }                                                                                                            \
        finish(c, ldc, left, right, rows, end);                                                                      \
    }
BLOCK(FAST, block, multiply)
BLOCK(FAST_PAIRS, pair_block, multiply_pairs)

#define CASES(block, ahead)                                                                                           \
    CASE(block, 1, ahead) CASE(block, 2, ahead) CASE(block, 3, ahead) CASE(block, 4, ahead) CASE(block, 5, ahead)     \
    CASE(block, 6, ahead) CASE(block, 7, ahead) CASE(block, 8, ahead) CASE(block, 9, ahead) CASE(block, 10, ahead)    \
    CASE(block, 11, ahead) CASE(block, 12, ahead) CASE(block, 13, ahead) CASE(block, 14, ahead)
#define CASE(block, n, ahead)                                                                                        \
    case n: block(c, ldc, a, ars, acs, panel, k, n, end, *w, ahead); break;

/// As block, for any number of rows up to STRIP.
typedef void any_block(float *c, int64_t ldc, const float *a, int64_t ars, int64_t acs, const float *panel, int64_t k,
                       int64_t rows, ending end, const wishes *w, int64_t ahead);

FAST static void float_block(float *c, int64_t ldc, const float *a, int64_t ars, int64_t acs, const float *panel,
                             int64_t k, int64_t rows, ending end, const wishes *w, int64_t ahead) {
    if (ahead) {
        switch (rows) { CASES(block, ahead) }
    } else {
        switch (rows) { CASES(block, 0) }
    }
}

FAST_PAIRS static void half_block(float *c, int64_t ldc, const float *a, int64_t ars, int64_t acs, const float *panel,
                                  int64_t k, int64_t rows, ending end, const wishes *w, int64_t ahead) {
    if (ahead) {
        switch (rows) { CASES(pair_block, ahead) }
    } else {
        switch (rows) { CASES(pair_block, 0) }
    }
}

/// The last panel of a row may have fewer columns than registers hold: by way of a block of its own.
FAST static void edge_block(any_block *compute, float *c, int64_t ldc, const float *a, int64_t ars, int64_t acs,
                            const float *panel, int64_t k, int64_t rows, int64_t columns, ending end, const wishes *w,
                            int64_t ahead) {
    float block[STRIP * PANEL] = {0}, bias[PANEL] = {0};
    if (end.bias) {
        memcpy(bias, end.bias, (size_t)columns * sizeof(float));
        end.bias = bias;
    }
    for (int64_t i = 0; (end.adds || end.goes_on) && i < rows; i++) {
        memcpy(block + i * PANEL, c + i * ldc, (size_t)columns * sizeof(float));
    }
    compute(block, PANEL, a, ars, acs, panel, k, rows, end, w, ahead);
    for (int64_t i = 0; i < rows; i++) memcpy(c + i * ldc, block + i * PANEL, (size_t)columns * sizeof(float));
}

int64_t k_gemm_panels(int64_t k, int64_t n) {
    return k * ((n + PANEL - 1) / PANEL * PANEL);
}

int64_t k_gemm_strips(int64_t m, int64_t k) {
    return k * ((m + STRIP - 1) / STRIP * STRIP);
}

/// Numbers whose upper halves are x rounded to the nearest even, as bits; NaN may become infinite.
FAST INLINE __m512i rounded(__m512i x) {
    __m512i odd = _mm512_and_si512(_mm512_srli_epi32(x, 16), _mm512_set1_epi32(1));
    return _mm512_add_epi32(x, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7FFF)));
}

/// As rounded, of one number.
FAST INLINE uint32_t rounded_one(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof(bits));
    return bits + 0x7FFF + (bits >> 16 & 1);
}

/// x, or x rounded to bfloat16; NaN stays NaN.
FAST INLINE v16 maybe_rounded(v16 x, const bool rounds) {
    if (!rounds) return x;
    __m512i result = _mm512_and_si512(rounded((__m512i)x), _mm512_set1_epi32((int)0xFFFF0000));
    return (v16)_mm512_mask_mov_ps((__m512)x, _mm512_cmp_ps_mask((__m512)x, (__m512)x, _CMP_ORD_Q), (__m512)result);
}

/// As maybe_rounded, of one number.
FAST INLINE float maybe_rounded_one(float x, const bool rounds) {
    if (!rounds || x != x) return x;
    uint32_t bits = rounded_one(x) & 0xFFFF0000U;
    memcpy(&x, &bits, sizeof(bits));
    return x;
}

/// t [16, ldt] = the transpose of x [16, ldx], in four rounds of exchanges between pairs of rows: three times as fast as
/// `transpose`, on 32 registers.
FAST INLINE void transpose16(float *t, int64_t ldt, const float *x, int64_t ldx, const bool rounds) {
    v16 r[16], s[16];
    UNROLL for (int i = 0; i < 16; i++) r[i] = maybe_rounded(*(const v16 *)(x + i * ldx), rounds);
    UNROLL for (int i = 0; i < 16; i += 2) {
        s[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30);
        s[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31);
    }
    UNROLL for (int i = 0; i < 16; i++) {
        if (i & 2) continue;
        r[i] = __builtin_shufflevector(s[i], s[i + 2], 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
        r[i + 2] = __builtin_shufflevector(s[i], s[i + 2], 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    }
    UNROLL for (int i = 0; i < 16; i++) {
        if (i & 4) continue;
        s[i] = __builtin_shufflevector(r[i], r[i + 4], 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27);
        s[i + 4] = __builtin_shufflevector(r[i], r[i + 4], 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);
    }
    UNROLL for (int i = 0; i < 8; i++) {
        *(v16 *)(t + i * ldt) =
            __builtin_shufflevector(s[i], s[i + 8], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
        *(v16 *)(t + (i + 8) * ldt) =
            __builtin_shufflevector(s[i], s[i + 8], 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
    }
}

/// panel [k, 32] = the transpose of the `columns` rows of b [columns, k].
FAST INLINE void pack_transposed(float *panel, const float *b, int64_t ldb, int64_t k, int64_t columns,
                                 const bool rounds) {
    if (columns < PANEL) memset(panel, 0, (size_t)(k * PANEL) * sizeof(float));
    int64_t l = 0;
    for (; columns == PANEL && l + 16 <= k; l += 16) {
        transpose16(panel + l * PANEL, PANEL, b + l, ldb, rounds);
        transpose16(panel + l * PANEL + 16, PANEL, b + 16 * ldb + l, ldb, rounds);
    }
    for (; l < k; l++) {
        for (int64_t j = 0; j < columns; j++) panel[l * PANEL + j] = maybe_rounded_one(b[j * ldb + l], rounds);
    }
}

/// panel [k, 32] = `columns` columns of b [k, ..].
FAST INLINE void pack_straight(float *panel, const float *b, int64_t ldb, int64_t k, int64_t columns, const bool rounds) {
    for (int64_t l = 0; l < k; l++) {
        float *to = panel + l * PANEL;
        const float *from = b + l * ldb;
        if (columns == PANEL) {
            *(v16 *)to = maybe_rounded(*(const v16 *)from, rounds);
            *(v16 *)(to + 16) = maybe_rounded(*(const v16 *)(from + 16), rounds);
        } else {
            for (int64_t j = 0; j < PANEL; j++) to[j] = j < columns ? maybe_rounded_one(from[j], rounds) : 0;
        }
    }
}

/// panel [k, 32] of up to that many columns of b, or of its transpose.
FAST static void pack_panel(float *panel, const float *b, int64_t ldb, bool transposed, bool rounds, int64_t k,
                            int64_t columns) {
    if (columns > PANEL) columns = PANEL;
    if (transposed) {
        if (rounds) {
            pack_transposed(panel, b, ldb, k, columns, true);
        } else {
            pack_transposed(panel, b, ldb, k, columns, false);
        }
    } else if (rounds) {
        pack_straight(panel, b, ldb, k, columns, true);
    } else {
        pack_straight(panel, b, ldb, k, columns, false);
    }
}

FAST void k_gemm_pack_b(float *panels, const float *b, int64_t ldb, bool transposed, bool rounds, int64_t k, int64_t n) {
    for (int64_t j = 0; j < n; j += PANEL) {
        pack_panel(panels + j * k, b + j * (transposed ? ldb : 1), ldb, transposed, rounds, k, n - j);
    }
}

FAST INLINE void pack_strips(float *strips, float *sums, const float *a, int64_t lda, int64_t m, int64_t k,
                             const bool rounds) {
    for (int64_t i = 0; i < m; i += STRIP) {
        int64_t rows = m - i < STRIP ? m - i : STRIP;
        float *strip = strips + i * k;
        v16 sum = {0};
        if (i + 16 <= m) {
            // Two numbers too many, which the next row overwrites; the last has its own way.
            for (int64_t l = 0; l + 1 < k; l++) {
                v16 row = *(const v16 *)(a + l * lda + i);
                *(v16 *)(strip + l * STRIP) = maybe_rounded(row, rounds);
                sum += row;
            }
        }
        for (int64_t l = i + 16 <= m && k > 0 ? k - 1 : 0; l < k; l++) {
            for (int64_t r = 0; r < rows; r++) {
                strip[l * STRIP + r] = maybe_rounded_one(a[l * lda + i + r], rounds);
                sum[r] += a[l * lda + i + r];
            }
        }
        for (int64_t r = 0; sums && r < rows; r++) sums[i + r] += sum[r];
    }
}

FAST void k_gemm_pack_a(float *strips, float *sums, const float *a, int64_t lda, bool rounds, int64_t m, int64_t k) {
    if (rounds) {
        pack_strips(strips, sums, a, lda, m, k, true);
    } else {
        pack_strips(strips, sums, a, lda, m, k, false);
    }
}

FAST INLINE uint32_t pair(float first, float second) {
    return rounded_one(first) >> 16 | (rounded_one(second) & 0xFFFF0000U);
}

FAST void k_gemm_pair_rows(float *to, const float *from, int64_t groups, int64_t k, bool strips) {
    int64_t width = strips ? STRIP : PANEL, pairs = (k + 1) / 2;
    uint32_t *out = (uint32_t *)to;
    for (int64_t g = 0; g < groups; g++) {
        for (int64_t l = 0; l < pairs; l++, out += width) {
            const float *x = from + (g * k + 2 * l) * width;
            bool is_last = 2 * l + 1 == k;
            int64_t j = 0;
            for (; !is_last && j + 16 <= width; j += 16) {
                __m512i a = rounded(_mm512_loadu_si512(x + j)), b = rounded(_mm512_loadu_si512(x + width + j));
                b = _mm512_and_si512(b, _mm512_set1_epi32((int)0xFFFF0000));
                _mm512_storeu_si512(out + j, _mm512_or_si512(_mm512_srli_epi32(a, 16), b));
            }
            for (; j < width; j++) out[j] = pair(x[j], is_last ? 0 : x[width + j]);
        }
    }
}

FAST void k_gemm_pair_columns(float *to, const float *from, int64_t m, int64_t k) {
    uint32_t *out = (uint32_t *)to;
    for (int64_t i = 0; i < m; i++, from += k) {
        int64_t l = 0;
        for (; l + 16 <= k; l += 16, out += 8) {
            __m512i halves = _mm512_srli_epi32(rounded(_mm512_loadu_si512(from + l)), 16);
            _mm256_storeu_si256((__m256i *)out, _mm512_cvtepi32_epi16(halves));
        }
        for (; l < k; l += 2) *out++ = pair(from[l], l + 1 < k ? from[l + 1] : 0);
    }
}

/// Rows of a that are gone over again and again stay in the second cache; a part of a panel with as many rows as DEPTH
/// stays in the first. Where strips are few, panels come from memory as fast as they are used: the first strip asks for
/// what comes a little later.
enum { NEAR = 160 * 1024, WIDE_NEAR = 320 * 1024, TALL = 256, DEPTH = 192, FEW = 2, AHEAD = 2048 };

/// The left side, and what becomes of the result.
typedef struct {
    any_block *compute;
    float *c;
    int64_t ldc;
    const float *a;
    /// Element (i, l) is a[i * ars + l * acs]; in strips, row i begins at a[i * k].
    int64_t ars, acs;
    bool strips;
    int64_t k, n;
    float factor;
    const float *bias;
    bool adds;
} task;

FAST INLINE task make_task(float *c, int64_t ldc, const float *a, int64_t lda, bool strips, bool pairs, int64_t k,
                           int64_t n, float factor, const float *bias, bool adds) {
    return (task){pairs ? half_block : float_block, c, ldc, a, strips ? 1 : lda, strips ? STRIP : 1, strips, k, n,
                  factor, bias, adds};
}

/// What strips ask memory for: `rows` stretches of `length` numbers, `step` apart.
typedef struct {
    const float *from;
    int64_t rows, length, step;
} asking;

/// The columns from j on that a panel holds, for rows first ..< last; part from ..< from + depth of the inner dimension.
FAST static void go_over_rows(const task *t, const float *panel, int64_t j, int64_t first, int64_t last, int64_t from,
                              int64_t depth, asking next) {
    int64_t count = (last - first + STRIP - 1) / STRIP;
    int64_t columns = t->n - j;
    // A sum over several parts goes on from what it is added to; over one it is added as a whole, which rounds less.
    bool whole = t->factor != 1 || t->k <= DEPTH;
    ending end = {t->bias && from == 0 ? t->bias + j : 0, from > 0 || (t->adds && !whole), t->factor, t->adds && whole};
    int64_t i = first;
    for (int64_t s = 0; s < count; s++) {
        int64_t behind = first + (t->strips ? (s + 1) * STRIP : (last - first) * (s + 1) / count);
        if (behind > last) behind = last;
        float *c = t->c + i * t->ldc + j;
        int64_t share = next.rows * s / count;
        // The first block of the result was asked for by nobody: it asks for itself too late, but for the next ones.
        wishes w = {c + (behind - i) * t->ldc, behind < last ? STRIP : 0, next.from + share * next.step,
                    next.rows * (s + 1) / count - share, (next.length + 15) / 16, next.step};
        const float *rows = (t->strips ? t->a + i * t->k : t->a + i * t->ars) + from * t->acs;
        int64_t ahead = count <= FEW && s == 0 ? AHEAD : 0;
        if (columns < PANEL) {
            edge_block(t->compute, c, t->ldc, rows, t->ars, t->acs, panel, depth, behind - i, columns, end, &w, ahead);
        } else {
            t->compute(c, t->ldc, rows, t->ars, t->acs, panel, depth, behind - i, end, &w, ahead);
        }
        i = behind;
    }
}

FAST void k_gemm(float *c, int64_t ldc, const float *a, int64_t lda, bool strips, const float *panels, bool pairs,
                 int64_t m, int64_t k, int64_t n, float factor, const float *bias, bool adds) {
    task t = make_task(c, ldc, a, lda, strips, pairs, k, n, factor, bias, adds);
    // Rows of a in groups that stay near while all panels go by; in a group all strips of about one height.
    int64_t most = NEAR / (k > 0 ? k : 1) > 4 * STRIP ? NEAR / (k > 0 ? k : 1) : 4 * STRIP;
    int64_t groups = (m + most - 1) / most;
    int64_t group = groups > 0 ? (m + STRIP * groups - 1) / (STRIP * groups) * STRIP : STRIP;
    // Parts of the inner dimension of about one depth; what is multiplied by a factor is done at once.
    int64_t parts = factor == 1 && k > DEPTH ? (k + DEPTH - 1) / DEPTH : 1;
    for (int64_t first = 0; first < m; first += group) {
        int64_t last = first + group < m ? first + group : m;
        int64_t count = (last - first + STRIP - 1) / STRIP;
        for (int64_t j = 0; j < n; j += PANEL) {
            for (int64_t part = 0; part < parts; part++) {
                int64_t from = k * part / parts, depth = k * (part + 1) / parts - from;
                const float *panel = panels + j * k + from * PANEL;
                bool is_last = part + 1 == parts && j + PANEL >= n;
                const float *next = part + 1 < parts ? panel + depth * PANEL : panels + (j + PANEL) * k;
                int64_t share = depth * PANEL / count;
                go_over_rows(&t, panel, j, first, last, from, depth,
                             (asking){next, is_last || count <= FEW ? 0 : count, share, share});
            }
        }
    }
}

/// Lays out rows from ..< from + depth (in units) of the columns from j on; b has `inner` rows.
FAST static void lay_out(float *panel, const float *b, int64_t ldb, bool transposed, bool rounds, bool pairs, int64_t j,
                         int64_t columns, int64_t from, int64_t depth, int64_t inner) {
    if (pairs) {
        from *= 2;
        depth = 2 * depth < inner - from ? 2 * depth : inner - from;
    }
    const float *start = transposed ? b + j * ldb + from : b + from * ldb + j;
    pack_panel(panel, start, ldb, transposed, rounds && !pairs, depth, columns);
    if (pairs) k_gemm_pair_rows(panel, panel, 1, depth, false);
}

FAST void k_gemm_laying_out(float *c, int64_t ldc, const float *a, int64_t lda, const float *b, int64_t ldb,
                            bool transposed, bool rounds, bool pairs, float *panel, int64_t m, int64_t k, int64_t n,
                            const float *bias, bool adds) {
    int64_t inner = k;
    if (pairs) k = (k + 1) / 2;
    task t = make_task(c, ldc, a, lda, false, pairs, k, n, 1, bias, adds);
    // Rows in groups of a few hundred, as panels are laid out anew for each; a stretch of the inner dimension as long as
    // that of a's rows stays near.
    int64_t groups = (m + TALL - 1) / TALL, group = groups > 0 ? (m + groups - 1) / groups : 1;
    for (int64_t first = 0; first < m; first += group) {
        int64_t last = first + group < m ? first + group : m;
        int64_t stretches = (k * (last - first) + WIDE_NEAR - 1) / WIDE_NEAR;
        if (stretches > (k + DEPTH - 1) / DEPTH) stretches = (k + DEPTH - 1) / DEPTH;
        if (stretches < 1) stretches = 1;
        for (int64_t stretch = 0; stretch < stretches; stretch++) {
            int64_t start = k * stretch / stretches, length = k * (stretch + 1) / stretches - start;
            int64_t parts = length > DEPTH ? (length + DEPTH - 1) / DEPTH : 1;
            for (int64_t j = 0; j < n; j += PANEL) {
                lay_out(panel, b, ldb, transposed, rounds, pairs, j, n - j, start, length, inner);
                int64_t step = pairs ? 2 : 1, rest = n - j - PANEL < PANEL ? n - j - PANEL : PANEL;
                asking next = {0};
                if (rest > 0 && transposed) {
                    next = (asking){b + (j + PANEL) * ldb + start * step, rest, length * step, ldb};
                } else if (rest > 0) {
                    next = (asking){b + start * step * ldb + j + PANEL, length * step, rest, ldb};
                }
                for (int64_t part = 0; part < parts; part++) {
                    int64_t from = length * part / parts, depth = length * (part + 1) / parts - from;
                    asking share = next;
                    share.rows = next.rows * (part + 1) / parts - next.rows * part / parts;
                    share.from += next.rows * part / parts * next.step;
                    go_over_rows(&t, panel + from * PANEL, j, first, last, start + from, depth, share);
                }
            }
        }
    }
}

#else

bool k_gemm_is_fast(void) {
    return false;
}
bool k_gemm_has_pairs(void) {
    return false;
}
bool k_gemm_prefers_pairs(void) {
    return false;
}
int64_t k_gemm_panels(int64_t k, int64_t n) {
    return k * n;
}
int64_t k_gemm_strips(int64_t m, int64_t k) {
    return k * m;
}

// Where k_gemm_is_fast says no, nobody may call the rest.
void k_gemm_pack_b(float *panels, const float *b, int64_t ldb, bool transposed, bool rounds, int64_t k, int64_t n) {
    __builtin_trap();
}
void k_gemm_pack_a(float *strips, float *sums, const float *a, int64_t lda, bool rounds, int64_t m, int64_t k) {
    __builtin_trap();
}
void k_gemm_pair_rows(float *to, const float *from, int64_t groups, int64_t k, bool strips) {
    __builtin_trap();
}
void k_gemm_pair_columns(float *to, const float *from, int64_t m, int64_t k) {
    __builtin_trap();
}
void k_gemm(float *c, int64_t ldc, const float *a, int64_t lda, bool strips, const float *panels, bool pairs,
            int64_t m, int64_t k, int64_t n, float factor, const float *bias, bool adds) {
    __builtin_trap();
}
void k_gemm_laying_out(float *c, int64_t ldc, const float *a, int64_t lda, const float *b, int64_t ldb, bool transposed,
                       bool rounds, bool pairs, float *panel, int64_t m, int64_t k, int64_t n, const float *bias,
                       bool adds) {
    __builtin_trap();
}

#endif
