#pragma once

#include "base/letter_case.h"
#include "catalog/catalog.h"

namespace millrace::refine {

/// Names that SQL holds to be one.
inline bool SameName(const catalog::TableName& left, const catalog::TableName& right) {
  return SameInAnyCase(left.name_space, right.name_space) && SameInAnyCase(left.name, right.name);
}

}  // namespace millrace::refine
