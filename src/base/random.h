#pragma once

#include <cstdint>
#include <string>

namespace millrace {

/// SplitMix64: small, seeded, the same sequence everywhere. Not for secrets.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next();
  /// Uniform in [0, bound), bound > 0.
  uint64_t Below(uint64_t bound);
  /// Uniform in [0, 1).
  double Unit();
  /// Version 4 UUID in text form.
  std::string Uuid();

  /// Seeded from the operating system.
  static Random FromSystem();

 private:
  uint64_t state_;
};

}  // namespace millrace
