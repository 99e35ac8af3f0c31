#include "target/md5.h"

#define BLOCK 64

/* RFC 1321, section 3.4: element i is the integer part of 4294967296 times abs(sin(i + 1)). */
static const uint32_t sines[64] = {
    0xd76aa478,
    0xe8c7b756,
    0x242070db,
    0xc1bdceee,
    0xf57c0faf,
    0x4787c62a,
    0xa8304613,
    0xfd469501,
    0x698098d8,
    0x8b44f7af,
    0xffff5bb1,
    0x895cd7be,
    0x6b901122,
    0xfd987193,
    0xa679438e,
    0x49b40821,
    0xf61e2562,
    0xc040b340,
    0x265e5a51,
    0xe9b6c7aa,
    0xd62f105d,
    0x02441453,
    0xd8a1e681,
    0xe7d3fbc8,
    0x21e1cde6,
    0xc33707d6,
    0xf4d50d87,
    0x455a14ed,
    0xa9e3e905,
    0xfcefa3f8,
    0x676f02d9,
    0x8d2a4c8a,
    0xfffa3942,
    0x8771f681,
    0x6d9d6122,
    0xfde5380c,
    0xa4beea44,
    0x4bdecfa9,
    0xf6bb4b60,
    0xbebfbc70,
    0x289b7ec6,
    0xeaa127fa,
    0xd4ef3085,
    0x04881d05,
    0xd9d4d039,
    0xe6db99e5,
    0x1fa27cf8,
    0xc4ac5665,
    0xf4292244,
    0x432aff97,
    0xab9423a7,
    0xfc93a039,
    0x655b59c3,
    0x8f0ccc92,
    0xffeff47d,
    0x85845dd1,
    0x6fa87e4f,
    0xfe2ce6e0,
    0xa3014314,
    0x4e0811a1,
    0xf7537e82,
    0xbd3af235,
    0x2ad7d2bb,
    0xeb86d391,
};

/* How far each step of a round turns to the left, four steps in a circle. */
static const unsigned char turns[4][4] = {
    {7, 12, 17, 22},
    {5, 9, 14, 20},
    {4, 11, 16, 23},
    {6, 10, 15, 21},
};

static uint32_t
turn_left(uint32_t word, unsigned bits)
{
    return word << bits | word >> (32 - bits);
}

static uint32_t
word_at(const unsigned char *block, unsigned index)
{
    const unsigned char *at = block + (size_t)index * 4;

    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* One step, which is counted from 0: mixed is the round's function of three words of the state. */
static inline void
add_step(uint32_t state[4], unsigned step, uint32_t mixed, uint32_t word)
{
    uint32_t sum = mixed + state[0] + sines[step] + word;

    state[0] = state[3];
    state[3] = state[2];
    state[2] = state[1];
    state[1] += turn_left(sum, turns[step / 16][step % 4]);
}

/* Each round takes the block's words in another order. */
static void
add_block(uint32_t digest[4], const unsigned char *block)
{
    uint32_t state[4] = {digest[0], digest[1], digest[2], digest[3]};
    uint32_t words[16];
    unsigned step = 0;

    for (unsigned i = 0; i < 16; i++)
        words[i] = word_at(block, i);
    for (; step < 16; step++)
        add_step(state, step, (state[1] & state[2]) | (~state[1] & state[3]), words[step]);
    for (; step < 32; step++)
        add_step(state, step, (state[1] & state[3]) | (state[2] & ~state[3]),
            words[(5 * step + 1) % 16]);
    for (; step < 48; step++)
        add_step(state, step, state[1] ^ state[2] ^ state[3], words[(3 * step + 5) % 16]);
    for (; step < 64; step++)
        add_step(state, step, state[2] ^ (state[1] | ~state[3]), words[7 * step % 16]);
    for (size_t i = 0; i < 4; i++)
        digest[i] += state[i];
}

void
md5_hex(Text text, char hex[MD5_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint32_t digest[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    unsigned char last[2 * BLOCK] = {0};
    size_t whole = text.len / BLOCK * BLOCK;
    size_t rest = text.len - whole;
    size_t size = rest + 9 <= BLOCK ? BLOCK : 2 * BLOCK;
    uint64_t bits = (uint64_t)text.len * 8;

    for (size_t at = 0; at < whole; at += BLOCK)
        add_block(digest, (const unsigned char *)text.data + at);
    if (rest > 0)
        memcpy(last, text.data + whole, rest);
    last[rest] = 0x80;
    for (unsigned i = 0; i < 8; i++)
        last[size - 8 + i] = (unsigned char)(bits >> (8 * i));
    for (size_t at = 0; at < size; at += BLOCK)
        add_block(digest, last + at);
    for (size_t i = 0; i < 16; i++) {
        unsigned byte = (unsigned)(digest[i / 4] >> (8 * (i % 4)) & 0xff);

        hex[2 * i] = digits[byte >> 4];
        hex[2 * i + 1] = digits[byte & 0xf];
    }
    hex[2 * sizeof(digest)] = '\0';
}
