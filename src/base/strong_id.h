#pragma once

#include <compare>
#include <functional>
#include <utility>

namespace millrace {

/// A value that is not interchangeable with others of the same representation: an Offset is no SnapshotId.
template <typename Rep, typename Tag>
class StrongId {
 public:
  StrongId() = default;
  explicit constexpr StrongId(Rep value) : value_(std::move(value)) {}

  constexpr const Rep& value() const { return value_; }
  friend auto operator<=>(const StrongId&, const StrongId&) = default;

 private:
  Rep value_{};
};

}  // namespace millrace

template <typename Rep, typename Tag>
struct std::hash<millrace::StrongId<Rep, Tag>> {
  size_t operator()(const millrace::StrongId<Rep, Tag>& id) const noexcept { return std::hash<Rep>{}(id.value()); }
};
