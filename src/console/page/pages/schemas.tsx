import { Page } from '../ui'

export function Schemas() {
  return <Page title="Schemas">{null}</Page>
}
