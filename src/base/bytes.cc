#include "base/bytes.h"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace millrace {

PaddedBuffer::PaddedBuffer(size_t capacity) : bytes_(new char[capacity + kPadding]), capacity_(capacity) {
  std::memset(bytes_.get(), 0, kPadding);
}

std::shared_ptr<PaddedBuffer> PaddedBuffer::Allocate(size_t capacity) {
  return std::shared_ptr<PaddedBuffer>(new PaddedBuffer(capacity));
}

std::shared_ptr<const PaddedBuffer> PaddedBuffer::CopyOf(std::string_view bytes) {
  auto buffer = Allocate(bytes.size());
  if (!bytes.empty()) std::memcpy(buffer->data(), bytes.data(), bytes.size());
  buffer->Resize(bytes.size());
  return buffer;
}

void PaddedBuffer::Resize(size_t size) {
  if (size > capacity_) throw Error(ErrorCode::kInternal, "a padded buffer was resized past its capacity");
  size_ = size;
  std::memset(bytes_.get() + size, 0, kPadding);
}

std::optional<uint64_t> ParseByteSize(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, double>, 9> kUnits{{{"", 1.0},
                                                                              {"b", 1.0},
                                                                              {"kb", 1e3},
                                                                              {"mb", 1e6},
                                                                              {"gb", 1e9},
                                                                              {"kib", 1024.0},
                                                                              {"mib", 1048576.0},
                                                                              {"gib", 1073741824.0},
                                                                              {"tib", 1099511627776.0}}};
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !std::isfinite(number) || number < 0) return std::nullopt;
  std::string unit;
  for (const char c : text.substr(static_cast<size_t>(end - text.data()))) {
    if (c != ' ') unit += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  for (const auto& [name, factor] : kUnits) {
    if (unit != name) continue;
    const double bytes = number * factor;
    if (bytes >= 9.2e18) return std::nullopt;
    return static_cast<uint64_t>(bytes);
  }
  return std::nullopt;
}

std::string FormatByteSize(uint64_t bytes) {
  static constexpr std::array<const char*, 5> kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

}  // namespace millrace
