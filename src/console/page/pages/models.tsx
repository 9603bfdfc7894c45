import { Page } from '../ui'

export function Models() {
  return <Page title="Models">{null}</Page>
}
