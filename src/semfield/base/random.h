#pragma once

#include <cstdint>

namespace semfield {

// PCG32 (O'Neill 2014): small, fast, the same numbers on every machine. `stream` selects one of 2^63
// independent sequences, so that (seed, purpose, step) names a sequence and no state has to be saved between
// steps.
class Random {
 public:
  explicit Random(uint64_t seed, uint64_t stream = 0) : state_(0), increment_((stream << 1) | 1) {
    NextUint32();
    state_ += seed;
    NextUint32();
  }
  uint32_t NextUint32() {
    const uint64_t old = state_;
    state_ = old * 6364136223846793005ULL + increment_;
    const uint32_t xorshifted = static_cast<uint32_t>(((old >> 18u) ^ old) >> 27u);
    const uint32_t rotation = static_cast<uint32_t>(old >> 59u);
    return (xorshifted >> rotation) | (xorshifted << ((32 - rotation) & 31));
  }
  float Uniform() { return static_cast<float>(NextUint32() >> 8) * 0x1p-24f; }  // [0, 1)
  float Uniform(float low, float high) { return low + (high - low) * Uniform(); }
  // Uniform in [0, bound), without modulo bias worth mentioning (multiply-shift).
  uint32_t Below(uint32_t bound) {
    return static_cast<uint32_t>((static_cast<uint64_t>(NextUint32()) * bound) >> 32);
  }

 private:
  uint64_t state_;
  uint64_t increment_;
};

// Mixes two numbers into a seed (splitmix64 finaliser).
inline uint64_t MixSeed(uint64_t a, uint64_t b) {
  uint64_t z = a + 0x9e3779b97f4a7c15ULL * (b + 1);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

}  // namespace semfield
