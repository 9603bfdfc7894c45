#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "decode/timestamp.h"

namespace millrace::decode {

struct InferenceLimits {
  int depth_max = 64;
  size_t members_max = 2000;  // of one object, and of everything observed
  size_t name_bytes_max = 1024;
  bool timestamps = true;
};

/// What the values of one name looked like over a number of records. The first kind that is not null wins; an integer
/// gives way to a double; text is a time only if every value was one, in UTC and within microseconds, so that
/// nothing is lost by reading it as one.
class Observed {
 public:
  enum class Kind { kNothing, kBool, kInteger, kDouble, kText, kObject, kList };

  Kind kind() const { return kind_; }
  bool all_timestamps() const { return all_timestamps_; }
  struct Member;
  /// Object: in the order they were first seen.
  const std::vector<std::unique_ptr<Member>>& members() const { return members_; }
  /// List: what all its elements looked like.
  const Observed& element() const { return *element_; }
  /// Something in it has a type: not only nulls, empty lists and objects.
  bool Typed() const;

 private:
  friend class Observer;

  /// The member of this name, remembering which one came last; null when there is none yet.
  Member* Find(std::string_view name);

  Kind kind_ = Kind::kNothing;
  bool all_timestamps_ = false;
  size_t guess_ = 0;
  std::vector<std::unique_ptr<Member>> members_;
  std::unordered_map<std::string_view, size_t> by_name_;
  std::unique_ptr<Observed> element_;
};

struct Observed::Member {
  std::string name;
  Observed value;
};

/// Looks at whole records and remembers their shape. A record that is not JSON, too deep, or not an object says
/// nothing; neither does an object with more members than the limit (its keys are data). Records are UTF-8 in padded
/// memory.
class Observer {
 public:
  explicit Observer(const InferenceLimits& limits) : limits_(limits) {}

  void Look(std::string_view record);
  const Observed& root() const { return root_; }

 private:
  // Each looks at the value at `at`, which is valid JSON, and returns its end.
  const char* LookAt(const char* at, Observed& seen);
  const char* LookAtObject(const char* at, Observed& seen);
  const char* LookAtMember(const char* at, Observed& object);
  const char* LookAtList(const char* at, Observed& seen);
  const char* LookAtText(const char* at, Observed& seen);
  const char* LookAtScalar(const char* at, Observed& seen);
  Observed::Member* FindOrAdd(std::string_view raw_key, Observed& object);
  void ForgetFrom(size_t kept, Observed& object);

  const InferenceLimits limits_;
  TimestampReader timestamps_;
  size_t observed_ = 0;
  const char* end_ = nullptr;
  Observed unused_;  // takes what is looked at in vain
  Observed root_;
};

}  // namespace millrace::decode
