#include "source/file/file_identity.h"

#define XXH_INLINE_ALL
#include <fmt/format.h>
#include <xxhash.h>

#include <charconv>

#include "base/error.h"

namespace millrace::source {
namespace {

constexpr std::string_view kPrefix = "file:";

/// Takes a number and the separator behind it off the front of `text`; false when it does not start so.
template <typename Number>
bool TakeNumber(std::string_view* text, int base, Number* number) {
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), *number, base);
  if (error != std::errc() || end == text->data()) return false;
  text->remove_prefix(static_cast<size_t>(end - text->data()));
  return true;
}

bool TakeChar(std::string_view* text, char c) {
  if (!text->starts_with(c)) return false;
  text->remove_prefix(1);
  return true;
}

[[noreturn]] void Foreign(std::string_view what, const std::string& text) {
  throw Error(ErrorCode::kStop, fmt::format("'{}' is not a {} of a file source; the stored position was written by "
                                            "something else",
                                            text, what));
}

}  // namespace

uint64_t HashOf(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

event::SplitId Print(const FileSplit& split) {
  const auto again = split.incarnation > 1 ? fmt::format(".{}", split.incarnation) : std::string();
  return event::SplitId(
      fmt::format("{}{}-{:016x}{}:{}", kPrefix, split.head_bytes, split.head_hash, again, split.path));
}

std::optional<FileSplit> ParseFileSplit(const event::SplitId& id) {
  std::string_view text = id.value();
  if (!text.starts_with(kPrefix)) return std::nullopt;
  text.remove_prefix(kPrefix.size());
  FileSplit split;
  bool good =
      TakeNumber(&text, 10, &split.head_bytes) && TakeChar(&text, '-') && TakeNumber(&text, 16, &split.head_hash);
  if (good && TakeChar(&text, '.')) good = TakeNumber(&text, 10, &split.incarnation);
  if (!good || !TakeChar(&text, ':')) Foreign("split", id.value());
  split.path = std::string(text);
  return split;
}

event::Cursor Print(const FileCursor& cursor) {
  if (cursor.offset == 0 && !cursor.cut_at_size) return event::kStart;
  auto text = fmt::format("{}-{:016x}", cursor.offset, cursor.tail_hash);
  if (cursor.cut_at_size) text += fmt::format("-cut{}", *cursor.cut_at_size);
  return event::Cursor(std::move(text));
}

FileCursor ParseFileCursor(const event::Cursor& cursor) {
  FileCursor place;
  if (cursor == event::kStart) {
    place.tail_hash = HashOf({});
    return place;
  }
  std::string_view text = cursor.value();
  bool good = TakeNumber(&text, 10, &place.offset) && TakeChar(&text, '-') && TakeNumber(&text, 16, &place.tail_hash) &&
              place.offset >= 0;
  if (good && text.starts_with("-cut")) {
    text.remove_prefix(4);
    good = TakeNumber(&text, 10, &place.cut_at_size.emplace());
  }
  if (!good || !text.empty()) Foreign("cursor", cursor.value());
  return place;
}

}  // namespace millrace::source
