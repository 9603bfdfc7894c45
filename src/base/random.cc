#include "base/random.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <random>

namespace millrace {

uint64_t Random::Next() {
  uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

uint64_t Random::Below(uint64_t bound) {
  return static_cast<uint64_t>((static_cast<__uint128_t>(Next()) * bound) >> 64);
}

double Random::Unit() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

std::string Random::Uuid() {
  const uint64_t high = (Next() & ~0xF000ULL) | 0x4000ULL;
  const uint64_t low = (Next() & ~(3ULL << 62)) | (2ULL << 62);
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xFFFF, high & 0xFFFF, low >> 48,
                     low & 0xFFFFFFFFFFFFULL);
}

Random Random::FromSystem() {
  uint64_t seed = 0;
  // Not std::random_device, which asks for the processor's kind first: a virtual machine takes long to say.
  if (::getrandom(&seed, sizeof(seed), 0) == sizeof(seed)) return Random(seed);
  std::random_device device;
  return Random((static_cast<uint64_t>(device()) << 32) | device());
}

}  // namespace millrace
