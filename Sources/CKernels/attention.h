// What the forward and the backward pass of attention share.
//
// Queries are taken in blocks, so that a sequence never has all its scores at a time. Scores are kept transposed,
// [keys, queries]: a vector holds the scores of 16 queries and one key, and a softmax needs no sums across lanes.
// Queries are filled up to whole vectors; no result comes from the lanes after the last query.
#ifndef UNIEM_KERNELS_ATTENTION_H
#define UNIEM_KERNELS_ATTENTION_H

#include "product.h"
#include "vectors.h"

enum { block_size = 64 };

/// Rows of one head.
typedef struct {
    const float *x;
    int64_t ld;
} matrix;

/// A block of queries of one sequence and head, and memory to work on it.
typedef struct {
    const k_attention_sizes *sizes;
    int64_t start, length;      // the rows of the sequence
    int64_t ahead;              // how many rows of the next sequence to ask for
    int64_t head;
    int64_t column, key_column; // where the head begins in rows of q, and its key head in rows of k and v
    int64_t query, count, wide; // the queries query ..< query + count of the sequence; count in whole vectors
    int64_t first, keys;        // the keys first ..< first + keys: all that some of these queries see
    matrix q;                   // [count, head_size]
    matrix k, v;                // [length, head_size]
    float *scores;              // [keys, wide]
    float *tops, *inverses;     // [wide]: of each query the largest score, and 1 / the sum of the softmax
    float *transposed;          // [head_size, wide]
    float *bias;                // by distance: element length - 1 + i - j is for query i and key j
    uint32_t *streams;          // [wide]: dropout's row keys
    uint32_t threshold;         // of dropout
    float keep;                 // what dropout multiplies by
    float *q_room, *k_room, *v_room, *rest;
} block;

INLINE int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/// How many numbers by distance there are: a vector may begin at the last that counts.
INLINE int64_t distances(int64_t length) {
    return 2 * length + 16;
}

/// Turns to a sequence.
INLINE block sequence_block(const k_attention_sizes *sizes, float *scratch, const int32_t *offsets, int64_t sequence,
                            float p) {
    int64_t start = offsets[sequence], end = offsets[sequence + 1], length = end - start, size = sizes->head_size;
    block b = {.sizes = sizes, .start = start, .length = length, .threshold = drop_threshold(p), .keep = 1 / (1 - p)};
    if (sequence + 1 < sizes->sequences) b.ahead = smaller(offsets[sequence + 2] - end, block_size);
    b.tops = scratch;
    b.inverses = b.tops + block_size;
    b.streams = (uint32_t *)(b.inverses + block_size);
    b.transposed = b.inverses + 2 * block_size;
    b.q_room = b.transposed + size * block_size;
    b.scores = b.q_room + size * block_size;
    b.k_room = b.scores + length * block_size;
    b.v_room = b.k_room + length * size;
    b.bias = b.v_room + length * size;
    b.rest = b.bias + distances(length);
    return b;
}

/// The floats in front of `rest`.
INLINE int64_t block_floats(int64_t length, int64_t head_size) {
    return (3 + 2 * head_size + length) * block_size + 2 * length * head_size + distances(length);
}

/// Whether rows are gathered: they are used again for each block, and far apart they drive each other out of caches.
INLINE bool gathers(const block *b) {
    return b->length > block_size;
}

INLINE matrix gathered(const block *b, float *room, const float *x, int64_t ld, int64_t rows) {
    if (!gathers(b)) return (matrix){x, ld};
    copy_rows(room, b->sizes->head_size, x, ld, rows, b->sizes->head_size);
    return (matrix){room, b->sizes->head_size};
}

/// Of rows for all keys those from the first that is seen.
INLINE matrix seen(const block *b, matrix x) {
    return (matrix){x.x + b->first * x.ld, x.ld};
}

/// scores [keys, wide] = x y^T, where y is given transposed.
INLINE void score_product(const block *b, float *scores, matrix x, const float *transposed) {
    k_product(scores, b->wide, x.x, x.ld, 1, transposed, b->wide, b->keys, b->sizes->head_size, b->wide, NULL, false);
}

/// c [count, head_size] = weights^T x, its rows multiplied by factors where there are any.
INLINE void query_product(const block *b, float *c, int64_t ldc, const float *weights, matrix x,
                          const float *factors) {
    k_product(c, ldc, weights, 1, b->wide, x.x, x.ld, b->count, b->keys, b->sizes->head_size, factors, false);
}

/// Adds the bias to scores, and makes those that a query does not see -infinity.
INLINE void adjust_scores(const block *b, bool has_bias) {
    const i16 lanes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    int64_t before = smaller(b->sizes->before, b->length), after = smaller(b->sizes->after, b->length);
    bool sees_all = before >= b->query + b->count - 1 - b->first && after >= b->first + b->keys - 1 - b->query;
    if (sees_all && !has_bias) return;
    for (int64_t n = 0; n < b->keys; n++) {
        for (int64_t lane = 0; lane < b->wide; lane += 16) {
            int64_t distance = b->query + lane - b->first - n;
            float *at = b->scores + n * b->wide + lane;
            v16 s = load(at);
            if (has_bias) s += load(b->bias + b->length - 1 + distance);
            i16 each = lanes + (int32_t)distance;
            i16 sees = (each <= (int32_t)before) & (each >= (int32_t)-after);
            store(at, sees_all ? s : choose(sees, s, all_lanes(-__builtin_inff())));
        }
    }
}

/// Asks memory for a head's columns in the rows of the next sequence: by its turn they are in the cache. It pays for
/// results most, as writing waits for whole lines.
INLINE void ask_ahead(const block *b, const float *x, int64_t ld, int64_t column) {
    x += (b->start + b->length) * ld + column;
    for (int64_t i = 0; i < b->ahead; i++, x += ld) {
        for (int64_t d = 0; d < b->sizes->head_size; d += 16) __builtin_prefetch(x + d);
    }
}

/// Turns to a head; bias may be null.
INLINE void choose_head(block *b, int64_t head, const float *k, const float *v, const float *bias) {
    const k_attention_sizes *sizes = b->sizes;
    b->head = head;
    b->column = head * sizes->head_size;
    b->key_column = head / (sizes->heads / sizes->key_heads) * sizes->head_size;
    b->k = gathered(b, b->k_room, k + b->start * sizes->ldk + b->key_column, sizes->ldk, b->length);
    b->v = gathered(b, b->v_room, v + b->start * sizes->ldv + b->key_column, sizes->ldv, b->length);
    if (!bias) return;
    const float *last = bias + (sizes->bias_center + b->length - 1) * sizes->heads + head;
    for (int64_t n = 0; n < 2 * b->length - 1; n++) b->bias[n] = last[-n * sizes->heads];
    for (int64_t n = 2 * b->length - 1; n < distances(b->length); n++) b->bias[n] = 0;
}

/// Turns to the queries from `query` on, and makes their scores.
INLINE void choose_queries(block *b, int64_t query, const float *q, bool has_bias) {
    const k_attention_sizes *sizes = b->sizes;
    b->query = query;
    b->count = smaller(block_size, b->length - query);
    b->wide = (b->count + 15) / 16 * 16;
    b->first = query > sizes->before ? query - sizes->before : 0;
    b->keys = smaller(sizes->after, b->length - query - b->count) + query + b->count - b->first;
    b->q = gathered(b, b->q_room, q + (b->start + query) * sizes->ldq + b->column, sizes->ldq, b->count);
    transpose(b->transposed, b->wide, b->q.x, b->q.ld, b->count, sizes->head_size, sizes->scale);
    score_product(b, b->scores, seen(b, b->k), b->transposed);
    adjust_scores(b, has_bias);
}

/// The streams of dropout; rows are the numbers of the rows of all sequences.
INLINE void choose_streams(const block *b, const uint32_t *rows, uint64_t key) {
    rows += b->start + b->query;
    for (int64_t i = 0; i < b->count; i++) {
        b->streams[i] = row_key(key, (uint64_t)rows[i] * (uint64_t)b->sizes->heads + (uint64_t)b->head);
    }
}

/// Which of 16 queries keep key n of those seen: dropout_factor, lane by lane.
INLINE i16 kept(const block *b, int64_t lane, int64_t n) {
    u16 x = *(const u16 *)(b->streams + lane) + (uint32_t)(b->first + n) * 0x9E3779B9U;
    x ^= x >> 16;
    x *= 0x7feb352dU;
    x ^= x >> 15;
    x *= 0x846ca68bU;
    x ^= x >> 16;
    return (i16)(x >= b->threshold);
}

#endif
