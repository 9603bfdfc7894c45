#include "query/arrow_status.h"

#include <string>

#include "base/error.h"

namespace millrace::query {
namespace {

ErrorCode CodeOf(arrow::StatusCode code) {
  switch (code) {
    case arrow::StatusCode::OutOfMemory:
    case arrow::StatusCode::IOError:
    case arrow::StatusCode::Cancelled:
    case arrow::StatusCode::CapacityError:
      return ErrorCode::kUnavailable;
    case arrow::StatusCode::Invalid:
    case arrow::StatusCode::TypeError:
    case arrow::StatusCode::KeyError:
    case arrow::StatusCode::IndexError:
    case arrow::StatusCode::SerializationError:
      return ErrorCode::kData;
    case arrow::StatusCode::OK:
    case arrow::StatusCode::UnknownError:
    case arrow::StatusCode::NotImplemented:
    case arrow::StatusCode::RError:
    case arrow::StatusCode::CodeGenError:
    case arrow::StatusCode::ExpressionValidationError:
    case arrow::StatusCode::ExecutionError:
    case arrow::StatusCode::AlreadyExists:
      return ErrorCode::kInternal;
  }
  return ErrorCode::kInternal;
}

}  // namespace

void ThrowArrow(const arrow::Status& status, std::string_view doing) {
  throw Error(CodeOf(status.code()), std::string(doing) + ": " + status.message());
}

}  // namespace millrace::query
