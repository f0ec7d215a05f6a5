// Kernels for the tests, by the calling convention of the CPU. A tile is a row of WIDTH elements.
#include <stdint.h>
#include <string.h>

enum { WIDTH = 4 };

// result[row] = operand[row] * weight, by way of scratch. Arguments: operand, weight, result.
void scale_rows(const int64_t *arguments, int64_t first, int64_t end, uint8_t *scratch) {
    const float *operand = (const float *)arguments[0];
    const float *weight = (const float *)arguments[1];
    float *result = (float *)arguments[2];
    float *row_in_scratch = (float *)scratch;
    for (int64_t row = first; row < end; row++) {
        for (int64_t i = 0; i < WIDTH; i++) row_in_scratch[i] = operand[row * WIDTH + i] * weight[i];
        memcpy(result + row * WIDTH, scratch, WIDTH * sizeof(float));
    }
}

// The same, as slow as no other kernel is.
void scale_rows_slowly(const int64_t *arguments, int64_t first, int64_t end, uint8_t *scratch) {
    for (volatile int i = 0; i < 200000; i++) {}
    scale_rows(arguments, first, end, scratch);
}

// result[row] = operand[row] + addend, and bf16[row] its upper half. Arguments: operand, addend, result, bf16.
void add_rows(const int64_t *arguments, int64_t first, int64_t end, uint8_t *scratch) {
    const float *operand = (const float *)arguments[0];
    const float addend = (float)arguments[1];
    float *result = (float *)arguments[2];
    uint16_t *bf16 = (uint16_t *)arguments[3];
    for (int64_t i = first * WIDTH; i < end * WIDTH; i++) {
        result[i] = operand[i] + addend;
        uint32_t bits;
        memcpy(&bits, result + i, 4);
        bf16[i] = (uint16_t)(bits >> 16);
    }
}

// result[i] = 1 where scratch is aligned to 64 bytes and every byte of it can be written. Arguments: bytes, result, count.
void probe_scratch(const int64_t *arguments, int64_t first, int64_t end, uint8_t *scratch) {
    memset(scratch, 0xff, (size_t)arguments[0]);
    float *result = (float *)arguments[1];
    for (int64_t i = 0; i < arguments[2]; i++) result[i] = (uintptr_t)scratch % 64 == 0 ? 1.0f : 0.0f;
}

// Touches nothing.
void nothing(const int64_t *arguments, int64_t first, int64_t end, uint8_t *scratch) {}
