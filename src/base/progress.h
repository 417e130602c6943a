#pragma once

#include "q8/progress.h"
