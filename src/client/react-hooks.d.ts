/** The hooks that react.ts uses. React is the application's: it is no dependency of the gateway, nor are its types. */
declare module "react" {
  export function useCallback<Callback>(callback: Callback, inputs: readonly unknown[]): Callback;
  export function useEffect(effect: () => (() => void) | undefined, inputs: readonly unknown[]): void;
  export function useMemo<Value>(make: () => Value, inputs: readonly unknown[]): Value;
  export function useSyncExternalStore<Value>(
    subscribe: (listener: () => void) => () => void,
    read: () => Value,
    readOnServer: () => Value,
  ): Value;
}
