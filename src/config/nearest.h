#pragma once

#include "base/nearest.h"

namespace millrace::config {

using millrace::NearestWord;
using millrace::Suggest;

}  // namespace millrace::config
