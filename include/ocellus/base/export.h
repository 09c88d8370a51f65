// Symbol visibility: everything is hidden except what carries OCELLUS_API.
#pragma once

#if defined(OCELLUS_STATIC)
#define OCELLUS_API
#else
#define OCELLUS_API __attribute__((visibility("default")))
#endif
