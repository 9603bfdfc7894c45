#include "event/decoder.h"

namespace millrace::event {

std::string_view ToString(RejectCause cause) {
  switch (cause) {
    case RejectCause::kMalformed:
      return "malformed";
    case RejectCause::kInvalidUtf8:
      return "invalid_utf8";
    case RejectCause::kNotAnObject:
      return "not_an_object";
    case RejectCause::kTooLarge:
      return "too_large";
    case RejectCause::kTooDeep:
      return "too_deep";
    case RejectCause::kTooManyColumns:
      return "too_many_columns";
    case RejectCause::kDuplicateKey:
      return "duplicate_key";
    case RejectCause::kContract:
      return "contract";
    case RejectCause::kMissingKey:
      return "missing_key";
    case RejectCause::kPartitionValue:
      return "partition_value";
    case RejectCause::kGap:
      return "gap";
    case RejectCause::kFrozen:
      return "frozen";
    case RejectCause::kOperation:
      return "operation";
  }
  return "malformed";
}

}  // namespace millrace::event
