#include "vectors.h"

// Matrix products for processors with AVX-512. One micro-kernel keeps a block of 6 x 64 numbers of the result in
// registers (24 of 32) and runs along a part of the inner dimension: 24 multiplications and additions for every 4 loads
// of b and 6 broadcasts of a. b is packed into panels of 64 columns, so that these loads are neighbours; a is read in
// place where its rows are contiguous, else packed into strips of 12 rows, two blocks high. Blocks are low, as rows whose
// length is a power of two all fall into the same few places of a cache: 14 of them push each other out. The order of
// additions for one element depends on nothing but the inner dimension.
//
// With factors of half precision two neighbours along the inner dimension make one unit of 32 bits, and an instruction
// multiplies and adds two pairs: everything else is as for float32, with units in place of numbers.

#if defined(__x86_64__)
#include <immintrin.h>

#define FAST __attribute__((target("avx512f,avx512dq")))
#define FAST_PAIRS __attribute__((target("avx512f,avx512dq,avx512bf16")))
#define UNROLL _Pragma("clang loop unroll(full)")
enum { HEIGHT = 6, STRIP = 2 * HEIGHT, VECTORS = 4, PANEL = 16 * VECTORS };

/// A part of the inner dimension has up to DEPTH steps: more of them means fewer passes over the result, fewer that the
/// part of a panel stays near. Rows of a come in groups of up to GROUP, whose parts stay in the second cache while all
/// panels go by. Where blocks in a column are FEW, panels come from memory as fast as they are used: parts are of
/// LITTLE steps, and while one is used the next is asked for, line by line.
enum { DEPTH = 384, GROUP = 256, FEW = 8, LITTLE = 64 };

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

/// A block of the result begins at nothing, at a bias [64], or goes on from what stands there; in the end it is
/// multiplied by a factor, and added to what stands there.
typedef struct {
    const float *bias;
    bool goes_on;
    float factor;
    bool adds;
} ending;

FAST INLINE void begin(v16 sums[][VECTORS], const float *c, int64_t ldc, const int rows, const int vectors, ending end) {
    // A bias is the same row for all.
    const float *first = end.goes_on ? c : end.bias;
    int64_t step = end.goes_on ? ldc : 0;
    UNROLL for (int i = 0; i < rows; i++) {
        UNROLL for (int v = 0; v < vectors; v++) {
            sums[i][v] = first ? *(const v16 *)(first + i * step + 16 * v) : (v16){0};
        }
    }
}

FAST INLINE void finish(float *c, int64_t ldc, v16 sums[][VECTORS], const int rows, const int vectors, ending end) {
    UNROLL for (int i = 0; i < rows; i++) {
        UNROLL for (int v = 0; v < vectors; v++) {
            v16 *y = (v16 *)(c + i * ldc + 16 * v);
            if (end.factor != 1) sums[i][v] *= end.factor;
            *y = end.adds ? *y + sums[i][v] : sums[i][v];
        }
    }
}

/// What a block asks memory for while it computes, a little at a time, so that it is there when its turn comes: the
/// block of the result that is next, and `rows` stretches of `lots` lots of lines, `step` numbers apart.
typedef struct {
    const float *result;
    int64_t result_rows;
    const float *from;
    int64_t rows, lots, step;
} wishes;

/// How many steps along the inner dimension lie between wishes, and the numbers of a lot: four lines.
enum { PACE = 16, LOT = 64 };

/// Asks for a row of the result and a lot of the rest.
FAST INLINE void ask(wishes *w, int64_t ldc, int64_t *lot, const int vectors) {
    if (w->result_rows > 0) {
        UNROLL for (int v = 0; v < vectors; v++) __builtin_prefetch(w->result + 16 * v, 1);
        w->result += ldc;
        w->result_rows--;
    }
    if (w->rows > 0) {
        UNROLL for (int i = 0; i < LOT; i += 16) __builtin_prefetch(w->from + *lot * LOT + i, 0, 2);
        if (++*lot == w->lots) {
            *lot = 0;
            w->rows--;
            w->from += w->step;
        }
    }
}

/// Rows of the left side: number i, step l, at from[i * row + l * step]. `middle` is row 3: with two places to count from,
/// the address of any row is a sum of two registers, and no instruction is spent on it.
typedef struct {
    const float *from, *middle;
    int64_t row, step;
} left_rows;

FAST INLINE left_rows make_left_rows(const float *a, int64_t row, int64_t step) {
    const float *middle = a + 3 * row;
    // The compiler is not to know that one follows from the other, or it adds row by row.
    __asm__("" : "+r"(middle));
    return (left_rows){a, middle, row, step};
}

FAST INLINE float left_number(left_rows a, const int i, const int l) {
    return i < 3 ? a.from[i * a.row + l * a.step] : a.middle[(i - 3) * a.row + l * a.step];
}

/// The rows from step `steps` on.
FAST INLINE left_rows after(left_rows a, const int steps) {
    return (left_rows){a.from + steps * a.step, a.middle + steps * a.step, a.row, a.step};
}

/// Adds the products of column `l` of a with row `l` of a panel to a block.
FAST INLINE void multiply(v16 sums[][VECTORS], left_rows a, const float *panel, const int l, const int rows,
                          const int vectors) {
    v16 p[VECTORS];
    UNROLL for (int v = 0; v < vectors; v++) p[v] = *(const v16 *)(panel + l * PANEL + 16 * v);
    UNROLL for (int i = 0; i < rows; i++) {
        float s = left_number(a, i, l);
        UNROLL for (int v = 0; v < vectors; v++) sums[i][v] += s * p[v];
    }
}

/// As multiply; a and the panel are of pairs.
FAST_PAIRS INLINE void multiply_pairs(v16 sums[][VECTORS], left_rows a, const float *panel, const int l, const int rows,
                                      const int vectors) {
    __m512bh p[VECTORS];
    UNROLL for (int v = 0; v < vectors; v++) p[v] = (__m512bh) * (const v16 *)(panel + l * PANEL + 16 * v);
    UNROLL for (int i = 0; i < rows; i++) {
        __m512bh s = (__m512bh)_mm512_set1_ps(left_number(a, i, l));
        UNROLL for (int v = 0; v < vectors; v++) sums[i][v] = (v16)_mm512_dpbf16_ps((__m512)sums[i][v], s, p[v]);
    }
}

/// Steps that are written out one after the other. A neighbour on the same core takes every other turn to issue
/// instructions: those that count and add addresses then cost as much as those that multiply.
enum { STRIDE = 4 };

/// c [rows, 16 vectors] from a [rows, k], in strips or as it is in memory, and the first columns of a panel [k, 64]. Each
/// step asks for `lines` lines from `ahead` on.
#define BLOCK(target, name, multiply)                                                                                \
    target INLINE void name(float *c, int64_t ldc, const float *rows_of_a, int64_t lda, const bool strips,            \
                            const float *panel, int64_t k, const int rows, const int vectors, ending end, wishes w,    \
                            const float *ahead, const int lines) {                                                   \
        v16 sums[HEIGHT][VECTORS];                                                                                   \
        left_rows a = make_left_rows(rows_of_a, strips ? 1 : lda, strips ? STRIP : 1);                               \
        const int stride = lines == 0 && vectors == VECTORS ? STRIDE : 1;                                            \
        begin(sums, c, ldc, rows, vectors, end);                                                                     \
        int64_t lot = 0;                                                                                             \
        for (int64_t start = 0; start < k; start += PACE) {                                                          \
            int64_t count = k - start < PACE ? k - start : PACE;                                                     \
            ask(&w, ldc, &lot, vectors);                                                                             \
            for (; count >= stride; count -= stride) {                                                               \
                UNROLL for (int i = 0; i < lines; i++) __builtin_prefetch(ahead + 16 * i, 0, 2);                     \
                ahead += 16 * lines;                                                                                 \
                UNROLL for (int l = 0; l < stride; l++) multiply(sums, a, panel, l, rows, vectors);                  \
                a = after(a, stride);                                                                                \
                panel += stride * PANEL;                                                                             \
            }                                                                                                        \
            for (; count > 0; count--) {                                                                             \
                multiply(sums, a, panel, 0, rows, vectors);                                                          \
                a = after(a, 1);                                                                                     \
                panel += PANEL;                                                                                      \
            }                                                                                                        \
        }                                                                                                            \
        finish(c, ldc, sums, rows, vectors, end);                                                                    \
    }
BLOCK(FAST, block, multiply)
BLOCK(FAST_PAIRS, pair_block, multiply_pairs)

#define CASES(block, strips, vectors, lines)                                                                         \
    switch (rows) {                                                                                                  \
        CASE(block, strips, 1, vectors, lines) CASE(block, strips, 2, vectors, lines)                                 \
        CASE(block, strips, 3, vectors, lines) CASE(block, strips, 4, vectors, lines)                                 \
        CASE(block, strips, 5, vectors, lines) CASE(block, strips, 6, vectors, lines)                                 \
    }
#define CASE(block, strips, n, vectors, lines)                                                                       \
    case n: block(c, ldc, a, lda, strips, panel, k, n, vectors, end, *w, ahead, lines); break;

/// As block, for any number of rows up to HEIGHT, columns up to PANEL, and lines from ahead on: 0, 1, 2 or 4. More than
/// `columns` may be written.
typedef void any_block(float *c, int64_t ldc, const float *a, int64_t lda, bool strips, const float *panel, int64_t k,
                       int64_t rows, int64_t columns, ending end, const wishes *w, const float *ahead, int64_t lines);

#define ANY_BLOCK(target, name, block)                                                                               \
    target static void name(float *c, int64_t ldc, const float *a, int64_t lda, bool strips, const float *panel,      \
                            int64_t k, int64_t rows, int64_t columns, ending end, const wishes *w,                    \
                            const float *ahead, int64_t lines) {                                                     \
        if (columns <= 16) {                                                                                         \
            CASES(block, strips, 1, 0)                                                                               \
        } else if (columns <= 32) {                                                                                  \
            CASES(block, strips, 2, 0)                                                                               \
        } else if (lines == 0 && strips) {                                                                           \
            CASES(block, true, VECTORS, 0)                                                                           \
        } else if (lines == 0) {                                                                                     \
            CASES(block, false, VECTORS, 0)                                                                          \
        } else if (lines == 1) {                                                                                     \
            CASES(block, strips, VECTORS, 1)                                                                         \
        } else if (lines == 2) {                                                                                     \
            CASES(block, strips, VECTORS, 2)                                                                         \
        } else {                                                                                                     \
            CASES(block, strips, VECTORS, 4)                                                                         \
        }                                                                                                            \
    }
ANY_BLOCK(FAST, float_block, block)
ANY_BLOCK(FAST_PAIRS, half_block, pair_block)

/// The last panel of a row may have fewer columns than registers hold: by way of a block of its own.
FAST static void edge_block(any_block *compute, float *c, int64_t ldc, const float *a, int64_t lda, bool strips,
                            const float *panel, int64_t k, int64_t rows, int64_t columns, ending end, const wishes *w) {
    float block[HEIGHT * PANEL] = {0}, bias[PANEL] = {0};
    if (end.bias) {
        memcpy(bias, end.bias, (size_t)columns * sizeof(float));
        end.bias = bias;
    }
    for (int64_t i = 0; (end.adds || end.goes_on) && i < rows; i++) {
        memcpy(block + i * PANEL, c + i * ldc, (size_t)columns * sizeof(float));
    }
    compute(block, PANEL, a, lda, strips, panel, k, rows, columns, end, w, 0, 0);
    for (int64_t i = 0; i < rows; i++) memcpy(c + i * ldc, block + i * PANEL, (size_t)columns * sizeof(float));
}

int64_t k_gemm_panels(int64_t k, int64_t n) {
    return k * ((n + PANEL - 1) / PANEL * PANEL);
}

int64_t k_gemm_strips(int64_t m, int64_t k) {
    return k * ((m + STRIP - 1) / STRIP * STRIP);
}

int64_t k_gemm_rows_part(int64_t m, int64_t k) {
    // Groups may be a little higher than GROUP, to end with a strip.
    int64_t most = GROUP + STRIP;
    return (m < most ? m : most) * (k < DEPTH ? k : DEPTH);
}

int64_t k_gemm_panel_part(int64_t k) {
    // Of pairs a part has twice as many numbers along the inner dimension as steps.
    return PANEL * (k < 2 * DEPTH ? k : 2 * DEPTH);
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

/// t [16, ldt] = the transpose of x [16, ldx]. Four numbers of four rows each are put together on the way from memory,
/// which leaves two of four rounds of exchanges.
FAST INLINE void transpose16(float *t, int64_t ldt, const float *x, int64_t ldx, const bool rounds) {
    UNROLL for (int64_t q = 0; q < 16; q += 4) {
        v16 r[4], s[4];
        UNROLL for (int64_t i = 0; i < 4; i++) {
            const float *from = x + i * ldx + q;
            __m512 row = _mm512_castps128_ps512(_mm_loadu_ps(from));
            row = _mm512_insertf32x4(row, _mm_loadu_ps(from + 4 * ldx), 1);
            row = _mm512_insertf32x4(row, _mm_loadu_ps(from + 8 * ldx), 2);
            row = _mm512_insertf32x4(row, _mm_loadu_ps(from + 12 * ldx), 3);
            r[i] = maybe_rounded((v16)row, rounds);
        }
        UNROLL for (int i = 0; i < 4; i += 2) {
            s[i] = (v16)_mm512_unpacklo_ps((__m512)r[i], (__m512)r[i + 1]);
            s[i + 1] = (v16)_mm512_unpackhi_ps((__m512)r[i], (__m512)r[i + 1]);
        }
        UNROLL for (int i = 0; i < 2; i++) {
            __m512d low = (__m512d)s[i], high = (__m512d)s[i + 2];
            *(v16 *)(t + (q + 2 * i) * ldt) = (v16)_mm512_unpacklo_pd(low, high);
            *(v16 *)(t + (q + 2 * i + 1) * ldt) = (v16)_mm512_unpackhi_pd(low, high);
        }
    }
}

/// panel [k, 64] = the transpose of the `columns` rows of b [columns, k].
FAST INLINE void pack_transposed(float *panel, const float *b, int64_t ldb, int64_t k, int64_t columns,
                                 const bool rounds) {
    if (columns < PANEL) memset(panel, 0, (size_t)(k * PANEL) * sizeof(float));
    int64_t whole = columns / 16 * 16, l = 0;
    for (; l + 16 <= k; l += 16) {
        for (int64_t j = 0; j < whole; j += 16) {
            transpose16(panel + l * PANEL + j, PANEL, b + j * ldb + l, ldb, rounds);
        }
    }
    for (int64_t at = 0; at < k; at++) {
        for (int64_t j = at < l ? whole : 0; j < columns; j++) {
            panel[at * PANEL + j] = maybe_rounded_one(b[j * ldb + at], rounds);
        }
    }
}

/// panel [k, 64] = `columns` columns of b [k, ..].
FAST INLINE void pack_straight(float *panel, const float *b, int64_t ldb, int64_t k, int64_t columns, const bool rounds) {
    for (int64_t l = 0; l < k; l++) {
        float *to = panel + l * PANEL;
        const float *from = b + l * ldb;
        if (columns == PANEL) {
            UNROLL for (int v = 0; v < VECTORS; v++) {
                *(v16 *)(to + 16 * v) = maybe_rounded(*(const v16 *)(from + 16 * v), rounds);
            }
        } else {
            for (int64_t j = 0; j < PANEL; j++) to[j] = j < columns ? maybe_rounded_one(from[j], rounds) : 0;
        }
    }
}

/// panel [k, 64] of up to that many columns of b, or of its transpose.
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
            // Four numbers too many, which the next row overwrites; the last has its own way.
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

/// Where part number `part` of `parts` of k steps begins: all but the last are of whole lines.
FAST INLINE int64_t part_start(int64_t k, int64_t part, int64_t parts) {
    int64_t start = (k + 15) / 16 * part / parts * 16;
    return start < k ? start : k;
}

/// The right side: in panels, or as it is in memory, to be laid out part by part in `panel`.
typedef struct {
    const float *panels;
    const float *b;
    int64_t ldb;
    bool transposed, rounds, pairs;
    /// How many rows b has, which may be one less than units hold.
    int64_t inner;
    float *panel;
    /// Where parts of the left side are laid out, rounded; null where they are taken as they are.
    float *rows;
} right_side;

/// The left side, and what becomes of the result.
typedef struct {
    any_block *compute;
    float *c;
    int64_t ldc;
    const float *a;
    /// Element (i, l) is a[(i - row) * lda + l - step]; in strips, which begin at no other row and step than 0, the strip
    /// of row i begins at a[i / STRIP * STRIP * k].
    int64_t row, step, lda;
    bool strips;
    int64_t m, k, n;
    float factor;
    const float *bias;
    bool adds;
} task;

FAST INLINE task make_task(float *c, int64_t ldc, const float *a, int64_t lda, bool strips, bool pairs, int64_t m,
                           int64_t k, int64_t n, float factor, const float *bias, bool adds) {
    return (task){pairs ? half_block : float_block, c, ldc, a, 0, 0, lda, strips, m, k, n, factor, bias, adds};
}

/// What strips ask memory for: `rows` stretches of `length` numbers, `step` apart; is_near: as many rows of a panel as
/// this part has, needed very soon.
typedef struct {
    const float *from;
    int64_t rows, length, step;
    bool is_near;
} asking;

/// The columns from j on that a panel holds, for rows first ..< last; part from ..< from + depth of the inner dimension.
FAST static void go_over_rows(const task *t, const float *panel, int64_t j, int64_t first, int64_t last, int64_t from,
                              int64_t depth, asking next) {
    int64_t count = (last - first + HEIGHT - 1) / HEIGHT;
    int64_t columns = t->n - j;
    // A sum over several parts goes on from what it is added to; over one it is added as a whole, which rounds less.
    bool whole = depth == t->k;
    ending end = {t->bias && from == 0 ? t->bias + j : 0, from > 0 || (t->adds && !whole), t->factor, t->adds && whole};
    // Of what is next, a step of the first strips asks for so many lines that the last has no more to ask for.
    int64_t lines = next.is_near ? count == 1 ? 4 : count < 4 ? 2 : 1 : 0;
    int64_t i = first;
    for (int64_t s = 0; s < count; s++) {
        int64_t behind = first + (t->strips ? (s + 1) * HEIGHT : (last - first) * (s + 1) / count);
        if (behind > last) behind = last;
        float *c = t->c + i * t->ldc + j;
        int64_t share = next.rows * s / count;
        // The first block of the result was asked for by nobody: it asks for itself too late, but for the next ones.
        wishes w = {c + (behind - i) * t->ldc, behind < last ? HEIGHT : 0, next.from + share * next.step,
                    next.rows * (s + 1) / count - share, (next.length + LOT - 1) / LOT, next.step};
        const float *rows = t->strips ? t->a + i / STRIP * STRIP * t->k + i % STRIP + from * STRIP
                                      : t->a + (i - t->row) * t->lda + from - t->step;
        if (columns < PANEL) {
            edge_block(t->compute, c, t->ldc, rows, t->lda, t->strips, panel, depth, behind - i, columns, end, &w);
        } else {
            t->compute(c, t->ldc, rows, t->lda, t->strips, panel, depth, behind - i, PANEL, end, &w,
                       next.from + s * lines * 16 * depth, s * lines < VECTORS ? lines : 0);
        }
        i = behind;
    }
}

/// The part of a panel from column j on, laid out where it is not.
FAST static const float *part_of_panel(const right_side *r, int64_t j, int64_t columns, int64_t from, int64_t depth,
                                       int64_t k) {
    if (r->panels) return r->panels + j * k + from * PANEL;
    if (r->pairs) {
        from *= 2;
        depth = 2 * depth < r->inner - from ? 2 * depth : r->inner - from;
    }
    const float *start = r->transposed ? r->b + j * r->ldb + from : r->b + from * r->ldb + j;
    pack_panel(r->panel, start, r->ldb, r->transposed, r->rounds && !r->pairs, depth, columns);
    if (r->pairs) k_gemm_pair_rows(r->panel, r->panel, 1, depth, false);
    return r->panel;
}

/// What part_of_panel is going to read.
FAST static asking sources(const right_side *r, int64_t j, int64_t columns, int64_t from, int64_t depth, int64_t k) {
    if (r->panels) return (asking){r->panels + j * k + from * PANEL, depth, PANEL, PANEL};
    if (r->pairs) {
        from *= 2;
        depth *= 2;
    }
    if (columns > PANEL) columns = PANEL;
    if (r->transposed) return (asking){r->b + j * r->ldb + from, columns, depth, r->ldb};
    return (asking){r->b + from * r->ldb + j, depth, columns, r->ldb};
}

/// The rows first ..< last of the left side, part from ..< from + depth, rounded to bfloat16.
FAST static task rounded_part(const task *t, float *rows, int64_t first, int64_t last, int64_t from, int64_t depth) {
    for (int64_t i = first; i < last; i++) {
        k_round_bf16(rows + (i - first) * depth, t->a + i * t->lda + from, depth);
    }
    task part = *t;
    part.a = rows;
    part.lda = depth;
    part.row = first;
    part.step = from;
    return part;
}

/// Panels by few rows: they are read from memory in the order in which they lie there.
FAST static void go_over_few(const task *t, const float *panels) {
    for (int64_t j = 0; j < t->n; j += PANEL) {
        for (int64_t from = 0, depth; from < t->k; from += depth) {
            depth = t->k - from < LITTLE ? t->k - from : LITTLE;
            const float *panel = panels + j * t->k + from * PANEL;
            go_over_rows(t, panel, j, 0, t->m, from, depth, (asking){panel + depth * PANEL, .is_near = true});
        }
    }
}

FAST static void go_over_all(const task *t, const right_side *r) {
    // Between parts the result is what it would be in registers, unless something is done to it in the end.
    if (r->panels && t->m <= FEW * HEIGHT && t->k > 0 && t->factor == 1 && !t->adds) return go_over_few(t, r->panels);
    // A product by a factor is made at once.
    int64_t parts = t->factor == 1 && t->k > DEPTH ? (t->k + DEPTH - 1) / DEPTH : 1;
    // Groups of about one height, strips of a whole.
    int64_t groups = (t->m + GROUP - 1) / GROUP;
    int64_t group = groups > 0 ? (t->m + STRIP * groups - 1) / (STRIP * groups) * STRIP : STRIP;
    for (int64_t first = 0; first < t->m; first += group) {
        int64_t last = first + group < t->m ? first + group : t->m;
        for (int64_t part = 0; part < parts; part++) {
            int64_t from = part_start(t->k, part, parts), end = part_start(t->k, part + 1, parts);
            task left = r->rows ? rounded_part(t, r->rows, first, last, from, end - from) : *t;
            for (int64_t j = 0; j < t->n; j += PANEL) {
                const float *panel = part_of_panel(r, j, t->n - j, from, end - from, t->k);
                asking next = {0};
                if (j + PANEL < t->n) {
                    next = sources(r, j + PANEL, t->n - j - PANEL, from, end - from, t->k);
                } else if (part + 1 < parts) {
                    next = sources(r, 0, t->n, end, part_start(t->k, part + 2, parts) - end, t->k);
                }
                go_over_rows(&left, panel, j, first, last, from, end - from, next);
            }
        }
    }
}

FAST void k_gemm(float *c, int64_t ldc, const float *a, int64_t lda, bool strips, const float *panels, bool pairs,
                 int64_t m, int64_t k, int64_t n, float factor, const float *bias, bool adds) {
    task t = make_task(c, ldc, a, lda, strips, pairs, m, k, n, factor, bias, adds);
    go_over_all(&t, &(right_side){.panels = panels});
}

FAST void k_gemm_laying_out(float *c, int64_t ldc, const float *a, int64_t lda, const float *b, int64_t ldb,
                            bool transposed, bool rounds, bool pairs, float *panel, float *rows, int64_t m, int64_t k,
                            int64_t n, const float *bias, bool adds) {
    task t = make_task(c, ldc, a, lda, false, pairs, m, pairs ? (k + 1) / 2 : k, n, 1, bias, adds);
    go_over_all(&t, &(right_side){0, b, ldb, transposed, rounds, pairs, k, panel, rounds && !pairs ? rows : 0});
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
int64_t k_gemm_panel_part(int64_t k) {
    return k;
}
int64_t k_gemm_rows_part(int64_t m, int64_t k) {
    return m * k;
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
                       bool rounds, bool pairs, float *panel, float *rows, int64_t m, int64_t k, int64_t n,
                       const float *bias, bool adds) {
    __builtin_trap();
}

#endif
