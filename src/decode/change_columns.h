#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "decode/change_event.h"
#include "event/decoder.h"

namespace millrace::decode {

/// The columns that a delete has: those of the key, under their dotted paths, and the one that orders changes, in the
/// types that the rows have. Null: `rows` lacks a column of the key.
std::shared_ptr<arrow::Schema> DeleteColumns(const arrow::Schema& rows, const ChangeForm& form);

/// What was decoded of documents becomes what was decoded of the records they were taken from.
void Renumber(const std::vector<uint32_t>& of_document, event::Decoded& decoded);

}  // namespace millrace::decode
