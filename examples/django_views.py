"""Django views that compute in interpreters: an asynchronous one and a synchronous one, in one file.

python examples/django_views.py [--port 8000] [--seconds 10]

Then, in another terminal:

curl 'http://127.0.0.1:8000/async/primes/100000'
curl 'http://127.0.0.1:8000/sync/primes/100000'

Or, without asyncio: gunicorn --chdir examples --threads 8 django_views:wsgi
"""

import argparse
import asyncio
import functools
import os

import uvicorn
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

import web_work
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from command_line import port, seconds, whole_number

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    ROOT_URLCONF=__name__,
    SECRET_KEY=os.urandom(32).hex(),
    COMPUTE_SECONDS=10.0,  # the time that a call may take
    COMPUTE_WORKERS=os.process_cpu_count() or 1,
)


@functools.cache
def get_executor() -> InterpreterThreadPoolExecutor:
    """Return the executor of this process. The first request creates it.

    Django has no hook for the start of a worker process. If the executor were created at import, gunicorn's master (with
    --preload) and runserver's watching process would create one too.
    """
    return InterpreterThreadPoolExecutor(settings.COMPUTE_WORKERS)


async def primes_async(request: HttpRequest, limit: int) -> JsonResponse:
    """Compute for as long as the client waits. If it disconnects, Django cancels this view, and that stops the work."""
    try:
        async with asyncio.timeout(settings.COMPUTE_SECONDS):
            primes = await get_executor().run(web_work.count_primes, limit)
    except TimeoutError:
        return JsonResponse({"error": "This takes too long."}, status=504)
    return JsonResponse({"limit": limit, "primes": primes})


def primes_sync(request: HttpRequest, limit: int) -> JsonResponse:
    """Compute, and block only this thread. If the client disconnects, nothing notices it."""
    call = get_executor().submit(interpreter(web_work.count_primes), limit)
    try:
        primes = call.result(timeout=settings.COMPUTE_SECONDS)
    except TimeoutError:
        call.interrupt()  # without that, the call would keep its worker
        return JsonResponse({"error": "This takes too long."}, status=504)
    return JsonResponse({"limit": limit, "primes": primes})


async def health(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"executor": repr(get_executor())})


urlpatterns = [
    path("async/primes/<int:limit>", primes_async),
    path("sync/primes/<int:limit>", primes_sync),
    path("health", health),
]
asgi = get_asgi_application()
wsgi = get_wsgi_application()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--port",
        type=port,
        default=8000,
        help="0 for any that is free (%(default)s)",
    )
    parser.add_argument("--workers", type=whole_number, default=settings.COMPUTE_WORKERS, help="interpreters (%(default)s)")
    parser.add_argument(
        "--seconds", type=seconds, default=settings.COMPUTE_SECONDS, help="the time that a call may take (%(default)s)"
    )
    chosen = parser.parse_args()
    settings.COMPUTE_WORKERS = chosen.workers
    settings.COMPUTE_SECONDS = chosen.seconds
    uvicorn.run(asgi, port=chosen.port, timeout_graceful_shutdown=5)


if __name__ == "__main__":
    main()
