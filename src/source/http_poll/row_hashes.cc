#include "source/http_poll/row_hashes.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "io/digest.h"

namespace millrace::source {
namespace {

constexpr size_t kDigits = 16;

}  // namespace

uint64_t RowHashes::Of(std::string_view row) {
  const auto sum = io::Sha256(row);
  uint64_t hash = 0;
  for (size_t i = 0; i < sizeof hash; ++i) hash = hash << 8 | static_cast<uint8_t>(sum[i]);
  return hash;
}

void RowHashes::Add(uint64_t hash) {
  hashes_.push_back(hash);
  if (hashes_.size() > kMax) hashes_.pop_front();
}

bool RowHashes::Has(uint64_t hash) const { return std::ranges::find(hashes_, hash) != hashes_.end(); }

std::string RowHashes::Print() const {
  std::string text;
  text.reserve(hashes_.size() * kDigits);
  for (const auto hash : hashes_) text += fmt::format("{:016x}", hash);
  return text;
}

RowHashes RowHashes::Parse(std::string_view text) {
  RowHashes hashes;
  for (; !text.empty(); text.remove_prefix(kDigits)) {
    uint64_t hash = 0;
    const auto digits = text.substr(0, kDigits);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), hash, 16);
    if (digits.size() != kDigits || error != std::errc() || end != digits.data() + kDigits) {
      throw Error(ErrorCode::kStop, "the stored hashes of rows cannot be read");
    }
    hashes.Add(hash);
  }
  return hashes;
}

}  // namespace millrace::source
