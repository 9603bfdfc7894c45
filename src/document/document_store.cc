#include "document/document_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <tuple>

#include "io/several_at_once.h"

namespace millrace::document {
namespace {

/// Swaps of positions under way at a time: a topic may have many partitions, and each is a round trip or two.
constexpr size_t kSwapsAtOnce = 4;

}  // namespace

bool IsNewer(const Version& one, const Version& than) {
  if (one.split == than.split) return one.offset > than.offset;
  return std::tie(one.time, one.split) > std::tie(than.time, than.split);
}

int64_t Milliseconds(Timestamp time) {
  return std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count();
}

std::string PlaceOf(const event::SplitId& split, int64_t offset) { return fmt::format("{}/{}", split.value(), offset); }

HeldBytes FirstOf(std::string_view bytes, size_t bytes_max) {
  const size_t size = std::min(bytes.size(), bytes_max);
  // A character that is cut in two is left out.
  size_t whole = size;
  while (size < bytes.size() && whole > 0 && (static_cast<unsigned char>(bytes[whole]) & 0xC0) == 0x80) --whole;
  if (simdjson::validate_utf8(bytes.data(), whole)) return {bytes.substr(0, whole), true};
  return {bytes.substr(0, size), false};
}

/// An answer may have been lost: who finds a position moved to the same place has moved it, or somebody who wrote the
/// same.
bool DocumentStore::MovePositions(const event::Positions& from, const event::Positions& to) {
  const std::vector<std::pair<event::SplitId, event::Cursor>> moves(to.begin(), to.end());
  std::atomic<bool> ours = true;
  io::SeveralPatiently(moves.size(), kSwapsAtOnce, [&](size_t i) {
    const auto& [split, cursor] = moves[i];
    if (!SwapPosition(split, event::CursorOf(from, split), cursor) &&
        event::CursorOf(ReadPositions(), split) != cursor) {
      ours = false;
    }
  });
  return ours;
}

}  // namespace millrace::document
