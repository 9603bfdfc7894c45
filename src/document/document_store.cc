#include "document/document_store.h"

#include <fmt/format.h>

#include <tuple>

namespace millrace::document {

bool IsNewer(const Version& one, const Version& than) {
  if (one.split == than.split) return one.offset > than.offset;
  return std::tie(one.time, one.split) > std::tie(than.time, than.split);
}

int64_t Milliseconds(Timestamp time) {
  return std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count();
}

std::string PlaceOf(const event::SplitId& split, int64_t offset) { return fmt::format("{}/{}", split.value(), offset); }

}  // namespace millrace::document
